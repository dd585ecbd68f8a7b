<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        foreach (['a', 'b'] as $name) {
            DB::statement('ALTER TABLE ' . $name . ' ENGINE = InnoDB');
        }
    }

    public function down(): void
    {
    }
};
