<?php

use App\Database\BaseMigration;
use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends BaseMigration
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
