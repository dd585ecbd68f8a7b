<?php
use Illuminate\Support\Facades\Artisan;

Artisan::command('version', function () {
    $this->line(require base_path('version.php'));
});
