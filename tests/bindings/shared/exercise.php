<?php
// SPDX-License-Identifier: LGPL-2.1-or-later
// What the PHP programs share: calling a function of the binding, which is recorded, and printing what it gives.
const ONE = '11111111-1111-4111-8111-111111111111';
const TWO = '22222222-2222-4222-8222-222222222222';
const DOMAIN = "<domain type='test'><name>one</name><uuid>" . ONE . "</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
    . "<os><type arch='i686'>hvm</type></os></domain>";

$called = [];

function text($value): string
{
    return is_resource($value) ? get_resource_type($value) : json_encode($value, JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR);
}

function show(string $name, $value)
{
    echo "$name: ", text($value), "\n";
    return $value;
}

/** Call libvirt_NAME(...) and give its result; nothing is printed, and warnings neither. */
function quiet(string $name, ...$words)
{
    global $called;
    $called["libvirt_$name"] = true;
    try {
        return @("libvirt_$name")(...$words);
    } catch (TypeError $e) {      // of a null that a call before gave, or the binding's own
        return 'TypeError';
    }
}

/** As quiet(), and print the result; for a failure also the kind of the library's error: what its text says before the details. */
function call(string $name, ...$words)
{
    $value = quiet($name, ...$words);
    echo "$name: ", text($value), $value === false ? ' ' . preg_replace('/:.*/s', '', quiet('get_last_error') ?? '') : '', "\n";
    return $value;
}

/** Print a document line by line, without those that have one of the words. */
function document(string $name, $text, string $without = '/\0/'): void
{
    foreach (is_string($text) ? explode("\n", $text) : [text($text)] as $line) {
        if (!preg_match($without, $line)) {
            echo "$name| $line\n";
        }
    }
}

function section(string $name): void
{
    echo "== $name\n";
}

register_shutdown_function(function () {
    global $called;
    $offered = get_extension_funcs('libvirt-php') ?: get_extension_funcs('libvirt');
    file_put_contents(getenv('BINDINGS_FILES') . '/calls',
        implode('', array_map(fn($name) => (isset($called[$name]) ? '+' : '-') . " $name\n", $offered)));
});
