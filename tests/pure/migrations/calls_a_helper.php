<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    private function addAuditColumns(string $name): void
    {
        Schema::table($name, function (Blueprint $table) {
            $table->dropColumn('audit');
        });
    }

    public function up(): void
    {
        $this->addAuditColumns('orders');
    }

    public function down(): void
    {
    }
};
