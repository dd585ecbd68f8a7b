<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::statement("ALTER TABLE orders MODIFY state ENUM('open','paid') NOT NULL");
    }

    public function down(): void
    {
    }
};
