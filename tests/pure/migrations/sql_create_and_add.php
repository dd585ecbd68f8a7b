<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::statement('CREATE TABLE audit (id BIGINT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(190) NOT NULL)');
        DB::statement(<<<SQL
            ALTER TABLE orders
                ADD COLUMN note TEXT NULL AFTER state, -- for the shop
                ADD INDEX orders_note (note(20)),
                ADD COLUMN priority TINYINT NOT NULL DEFAULT 0,
                ALGORITHM=INPLACE, LOCK=NONE
            SQL);
    }

    public function down(): void
    {
        DB::unprepared('DROP TABLE audit; ALTER TABLE orders DROP COLUMN note, DROP COLUMN priority');
    }
};
