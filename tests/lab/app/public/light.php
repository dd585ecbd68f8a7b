<?php
// A page without the framework; `ms` milliseconds long, in slices, since a signal would cut one long sleep short.
$until = microtime(true) + (int) ($_GET['ms'] ?? 0) / 1000;
while (microtime(true) < $until) {
    usleep(2000);
}
echo 'CHOM ' . require __DIR__ . '/../version.php';
