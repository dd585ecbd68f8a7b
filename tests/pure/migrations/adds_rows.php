<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        DB::transaction(function () {
            Schema::create('roles', function (Blueprint $table) {
                $table->id();
                $table->string('name')->unique();
            });
            DB::table('roles')->insert([
                ['name' => 'owner'],
                ['name' => 'editor'],
            ]);
            DB::insert("INSERT INTO settings (name, value) VALUES ('theme', 'light')");
        });
    }

    public function down(): void
    {
        Schema::dropIfExists('roles');
    }
};
