<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::create('orders', function (Blueprint $table) {
            $table->engine = 'InnoDB';
            $table->uuid('id')->primary();
            $table->foreignId('user_id')->constrained()->cascadeOnDelete();
            $table->enum('state', ['open', 'paid', 'sent'])->default('open')->index();
            $table->decimal('total', 10, 2)->unsigned();
            $table->json('lines');
            $table->softDeletes();
            $table->timestamps();

            $table->unique(['user_id', 'created_at'], 'orders_once');
            $table->index(['state', 'created_at']);
        });
    }

    public function down(): void
    {
        Schema::dropIfExists('orders');
    }
};
