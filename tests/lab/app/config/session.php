<?php
return [
    'driver' => 'array', 'lifetime' => 120, 'cookie' => 'chom', 'path' => '/', 'domain' => null, 'secure' => null,
    'http_only' => true, 'same_site' => 'lax', 'lottery' => [2, 100], 'files' => storage_path('framework/sessions'),
    'expire_on_close' => false, 'encrypt' => false,
];
