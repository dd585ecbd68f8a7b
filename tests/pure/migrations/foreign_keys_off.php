<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::disableForeignKeyConstraints();
        Schema::create('a', function (Blueprint $table) {
            $table->foreignIdFor(\App\Models\User::class)->nullable()->constrained();
            $table->after('id', function (Blueprint $table) {
                $table->string('b');
            });
        });
        Schema::enableForeignKeyConstraints();
    }

    public function down(): void
    {
        Schema::dropIfExists('a');
    }
};
