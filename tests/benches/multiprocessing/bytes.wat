;; A loop around two imports: bytes go to the host and come back, so the loop measures wasmtime's side of
;; both.
(component
  (import "host" (instance $host
    (export "take" (func (param "bytes" (list u8))))
    (export "give" (func (result (list u8))))
  ))
  ;; The bytes from the host lie behind those for the host: there is room for 1 MiB each.
  (core module $memory
    (memory (export "memory") 48)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1572864)))
  (core instance $m (instantiate $memory))
  (alias core export $m "memory" (core memory $bytes))
  (alias core export $m "realloc" (core func $realloc))
  (core func $take (canon lower (func $host "take") (memory $bytes)))
  (core func $give
    (canon lower (func $host "give") (memory $bytes) (realloc $realloc)))
  (core module $loops
    (import "host" "take" (func $take (param i32 i32)))
    ;; The host writes the place and the length of the bytes to this address.
    (import "host" "give" (func $give (param i32)))
    (func (export "there-and-back") (param $rounds i64) (param $size i32)
      (loop $again
        (call $take (i32.const 64) (local.get $size))
        (call $give (i32.const 0))
        (local.set $rounds (i64.sub (local.get $rounds) (i64.const 1)))
        (br_if $again (i64.ne (local.get $rounds) (i64.const 0))))))
  (core instance $i (instantiate $loops (with "host" (instance
    (export "take" (func $take))
    (export "give" (func $give))))))
  (func (export "there-and-back") (param "rounds" u64) (param "size" u32)
    (canon lift (core func $i "there-and-back"))))
