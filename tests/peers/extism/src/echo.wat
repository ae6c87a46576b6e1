;; Returns its input, as the kits for Extism's plugins do: it copies the input into the plugin's own memory,
;; and from there into the output's block, 8 bytes at a time and the rest by bytes.
(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  ;; Room for 1 MiB of input.
  (memory 16)

  (func (export "echo") (result i32)
    (local $length i64) (local $words_end i64) (local $at i64) (local $output i64)
    (local.set $length (call $input_length))
    (local.set $words_end (i64.and (local.get $length) (i64.const -8)))
    (block $read
      (loop $words
        (br_if $read (i64.ge_u (local.get $at) (local.get $words_end)))
        (i64.store (i32.wrap_i64 (local.get $at)) (call $input_load_u64 (local.get $at)))
        (local.set $at (i64.add (local.get $at) (i64.const 8)))
        (br $words)))
    (block $read
      (loop $bytes
        (br_if $read (i64.ge_u (local.get $at) (local.get $length)))
        (i32.store8 (i32.wrap_i64 (local.get $at)) (call $input_load_u8 (local.get $at)))
        (local.set $at (i64.add (local.get $at) (i64.const 1)))
        (br $bytes)))
    (local.set $output (call $alloc (local.get $length)))
    (local.set $at (i64.const 0))
    (block $written
      (loop $words
        (br_if $written (i64.ge_u (local.get $at) (local.get $words_end)))
        (call $store_u64
          (i64.add (local.get $output) (local.get $at))
          (i64.load (i32.wrap_i64 (local.get $at))))
        (local.set $at (i64.add (local.get $at) (i64.const 8)))
        (br $words)))
    (block $written
      (loop $bytes
        (br_if $written (i64.ge_u (local.get $at) (local.get $length)))
        (call $store_u8
          (i64.add (local.get $output) (local.get $at))
          (i32.load8_u (i32.wrap_i64 (local.get $at))))
        (local.set $at (i64.add (local.get $at) (i64.const 1)))
        (br $bytes)))
    (call $output_set (local.get $output) (local.get $length))
    (i32.const 0)))
