<?php
// The web server's side of one FastCGI request: ask.php SOCKET TARGET
[, $socket, $target] = $argv;
$record = fn(int $type, string $content) => pack('CCnnCC', 1, $type, 1, strlen($content), 0, 0) . $content;
$pair = fn(string $name, string $value) => chr(strlen($name)) . chr(strlen($value)) . $name . $value;
$connection = stream_socket_client("unix://$socket");
fwrite($connection, $record(1, pack('nCx5', 1, 0))
    . $record(4, $pair('REQUEST_METHOD', 'GET') . $pair('REQUEST_URI', $target))
    . $record(4, '') . $record(5, ''));
echo stream_get_contents($connection);
