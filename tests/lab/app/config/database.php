<?php
return [
    'default' => 'mysql',
    'migrations' => 'migrations',
    'connections' => ['mysql' => [
        'driver' => 'mysql', 'host' => env('DB_HOST', '127.0.0.1'), 'port' => env('DB_PORT', 3306),
        'database' => env('DB_DATABASE', 'chom'), 'username' => env('DB_USERNAME', 'chom'),
        'password' => env('DB_PASSWORD', ''), 'charset' => 'utf8mb4', 'collation' => 'utf8mb4_unicode_ci',
        'prefix' => '', 'strict' => true,
    ]],
    'redis' => [
        'client' => 'phpredis', 'options' => ['prefix' => 'chom_'],
        'default' => ['host' => env('REDIS_HOST', '127.0.0.1'), 'password' => env('REDIS_PASSWORD'), 'port' => 6379, 'database' => 0],
        'cache' => ['host' => env('REDIS_HOST', '127.0.0.1'), 'password' => env('REDIS_PASSWORD'), 'port' => 6379, 'database' => 1],
    ],
];
