<?php
namespace App\Providers;

use Illuminate\Support\Facades\Route;

class Routes extends \Illuminate\Foundation\Support\Providers\RouteServiceProvider
{
    public function boot()
    {
        $this->routes(fn () => Route::group([], base_path('routes/web.php')));
    }
}
