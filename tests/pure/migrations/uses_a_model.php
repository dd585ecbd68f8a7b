<?php

use App\Models\User;
use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::table('users', function (Blueprint $table) {
            $table->string('slug')->nullable();
        });

        User::query()->each(function (User $user) {
            $user->update(['slug' => Str::slug($user->name)]);
        });
    }

    public function down(): void
    {
    }
};
