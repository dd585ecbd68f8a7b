<?php

use App\Support\Schema;
use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;

return new class extends Migration
{
    public function up(): void
    {
        Schema::create('a', function (Blueprint $table) {
            $table->id();
        });
    }

    public function down(): void
    {
    }
};
