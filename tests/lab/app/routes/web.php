<?php
use App\Http\Pages;
use Illuminate\Support\Facades\Route;

Route::get('/', [Pages::class, 'home']);
Route::get('/health', [Pages::class, 'health']);
Route::get('/notice', [Pages::class, 'notice']);
