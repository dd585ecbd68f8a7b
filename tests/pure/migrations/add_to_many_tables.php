<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        foreach (['orders', 'invoices', 'refunds'] as $name) {
            Schema::table($name, function (Blueprint $table) {
                $table->foreignId('tenant_id')->nullable()->index();
            });
        }
    }

    public function down(): void
    {
        foreach (['orders', 'invoices', 'refunds'] as $name) {
            Schema::table($name, function (Blueprint $table) {
                $table->dropColumn('tenant_id');
            });
        }
    }
};
