<?php
$illuminate = [
    'Auth\AuthServiceProvider', 'Bus\BusServiceProvider', 'Cache\CacheServiceProvider',
    'Foundation\Providers\ConsoleSupportServiceProvider', 'Cookie\CookieServiceProvider',
    'Database\DatabaseServiceProvider', 'Encryption\EncryptionServiceProvider',
    'Filesystem\FilesystemServiceProvider', 'Foundation\Providers\FoundationServiceProvider',
    'Hashing\HashServiceProvider', 'Pipeline\PipelineServiceProvider', 'Queue\QueueServiceProvider',
    'Redis\RedisServiceProvider', 'Session\SessionServiceProvider', 'Translation\TranslationServiceProvider',
    'Validation\ValidationServiceProvider', 'View\ViewServiceProvider',
];
return [
    'name' => 'chom', 'env' => env('APP_ENV', 'production'), 'debug' => false, 'url' => 'http://localhost',
    'timezone' => 'UTC', 'locale' => 'en', 'fallback_locale' => 'en',
    'notice' => env('SHOP_NOTICE', ''), 'key' => env('APP_KEY'), 'cipher' => 'AES-256-CBC', 'aliases' => [],
    'providers' => array_merge(array_map(fn ($name) => "Illuminate\\$name", $illuminate), [App\Providers\Routes::class]),
];
