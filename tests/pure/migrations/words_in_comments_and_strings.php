<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        // Schema::drop('users'); was here once
        /* $table->dropColumn('price'); */
        # DB::statement('DROP TABLE users');
        Schema::create('notes', function (Blueprint $table) {
            $table->id();
            $table->string('text')->default("Schema::drop('users'); // it's only a text");
            $table->text('help')->comment('use $table->dropColumn() to {remove} it');
        });
    }

    public function down(): void
    {
        Schema::dropIfExists('notes');
    }
};
