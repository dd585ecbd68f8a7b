<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::dropIfExists('legacy_orders');
    }

    public function down(): void
    {
        Schema::create('legacy_orders', function (Blueprint $table) {
            $table->id();
        });
    }
};
