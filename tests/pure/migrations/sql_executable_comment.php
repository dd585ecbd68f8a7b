<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::statement('CREATE TABLE a (id INT) /*!50000 ; DROP TABLE users */');
    }

    public function down(): void
    {
    }
};
