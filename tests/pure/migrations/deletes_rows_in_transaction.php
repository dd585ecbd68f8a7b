<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::transaction(function () {
            DB::table('visits')->where('created_at', '<', now()->subDays(90))->delete();
        });
    }

    public function down(): void
    {
    }
};
