<?php
namespace App\Http;

use Illuminate\Support\Facades\DB;

class Pages
{
    public function home()
    {
        return response('CHOM ' . require base_path('version.php'));
    }

    /** What shared/.env says, as the caches of the release that serves were built from it. */
    public function notice()
    {
        return response('NOTICE ' . config('app.notice'));
    }

    public function health()
    {
        $seen = ['release' => require base_path('version.php'), 'directory' => basename(base_path())];
        if (is_file(base_path('broken'))) {
            return response()->json(['status' => 'fail', 'error' => 'the mail server is not configured'] + $seen, 500);
        }
        try {
            $seen['notes'] = DB::table('notes')->count();
        } catch (\Throwable $error) {
            return response()->json(['status' => 'fail', 'error' => $error->getMessage()] + $seen, 503);
        }
        return ['status' => 'ok'] + $seen;
    }
}
