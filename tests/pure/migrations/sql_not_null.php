<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::statement('alter table orders add column channel varchar(20) not null');
    }

    public function down(): void
    {
        DB::statement('alter table orders drop column channel');
    }
};
