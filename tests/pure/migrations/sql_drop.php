<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::statement('ALTER TABLE `orders` ADD `a` INT NULL, DROP `b`');
    }

    public function down(): void
    {
        DB::statement('ALTER TABLE orders ADD b INT, DROP a');
    }
};
