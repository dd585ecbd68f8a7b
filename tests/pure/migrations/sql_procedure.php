<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::unprepared(<<<'SQL'
            CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW SET NEW.a = 1
            SQL);
    }

    public function down(): void
    {
    }
};
