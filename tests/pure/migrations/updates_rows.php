<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Support\Facades\DB;

return new class extends Migration
{
    public function up(): void
    {
        DB::table('orders')->whereNull('state')->update(['state' => 'open']);
    }

    public function down(): void
    {
    }
};
