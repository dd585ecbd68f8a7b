<?php
return [
    'default' => 'redis', 'prefix' => 'chom',
    'stores' => ['redis' => ['driver' => 'redis', 'connection' => 'cache']],
];
