<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        $table = 'users';
        DB::statement("ALTER TABLE {$table} ADD x INT NULL");
    }

    public function down(): void
    {
    }
};
