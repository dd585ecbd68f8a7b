<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        if (Schema::hasTable('users')) {
            if (DB::getDriverName() === 'mysql') {
                Schema::table('users', function (Blueprint $table) {
                    $table->dropConstrainedForeignId('team_id');
                });
            }
        }
    }

    public function down(): void
    {
    }
};
