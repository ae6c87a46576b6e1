;; The common part of all guests of the sweep. `layout.rs` defines the layout of the memory.

;; The number of calls, and the number of successful ones.
(global $calls (mut i64) (i64.const 0))
(global $successes (mut i64) (i64.const 0))
;; The numbers at which the next line is written.
(global $next_calls (mut i64) (i64.const 1))
(global $next_successes (mut i64) (i64.const 1))
;; Whether an allocation has reused the room of another of the same call.
(global $wrapped (mut i32) (i32.const 0))
(global $allocated (mut i32) (i32.const 0))
(global $output (mut i32) (i32.const 0))

;; Memory for results: at its end it starts again from the beginning, so that a guest never runs out of it.
(func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
  (result i32)
  (local $at i32)
  (if (i32.eqz (local.get $size)) (then (return (local.get $align))))
  (local.set $at (i32.and
    (i32.add (global.get $allocated) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (if (i32.gt_u (local.get $size) (global.get $result_bytes)) (then (unreachable)))
  (if (i32.gt_u (i32.add (local.get $at) (local.get $size)) (global.get $end))
    (then
      (global.set $wrapped (i32.const 1))
      (local.set $at (global.get $results))))
  (global.set $allocated (i32.add (local.get $at) (local.get $size)))
  (local.get $at))

(func $least (param $a i32) (param $b i32) (result i32)
  (select (local.get $a) (local.get $b) (i32.lt_u (local.get $a) (local.get $b))))

;; A ring holds the last 16 handles of a kind: their total number, the place of the last one taken, and the
;; handles. A handle that leaves the ring is held all the same: nothing is dropped.
(func $keep (param $ring i32) (param $handle i32)
  (if (i32.or (i32.eqz (local.get $handle)) (global.get $wrapped)) (then (return)))
  (i32.store offset=8
    (i32.add (local.get $ring) (i32.shl (i32.and (i32.load (local.get $ring)) (i32.const 15)) (i32.const 2)))
    (local.get $handle))
  (i32.store (local.get $ring) (i32.add (i32.load (local.get $ring)) (i32.const 1))))

;; The next handle of a ring, in turn.
(func $take (param $ring i32) (result i32)
  (local $at i32)
  (local.set $at (i32.add (i32.load offset=4 (local.get $ring)) (i32.const 1)))
  (i32.store offset=4 (local.get $ring) (local.get $at))
  (i32.load offset=8
    (i32.add (local.get $ring)
      (i32.shl
        (i32.rem_u (local.get $at) (call $least (i32.load (local.get $ring)) (i32.const 16)))
        (i32.const 2)))))

;; The newest handle, which the caller must drop; 0 if none is left.
(func $give_up (param $ring i32) (result i32)
  (local $slot i32) (local $handle i32)
  (if (i32.eqz (i32.load (local.get $ring))) (then (return (i32.const 0))))
  (i32.store (local.get $ring) (i32.sub (i32.load (local.get $ring)) (i32.const 1)))
  (local.set $slot
    (i32.add (local.get $ring) (i32.shl (i32.and (i32.load (local.get $ring)) (i32.const 15)) (i32.const 2))))
  (local.set $handle (i32.load offset=8 (local.get $slot)))
  (i32.store offset=8 (local.get $slot) (i32.const 0))
  (local.get $handle))

;; Repeats the first `size` bytes until there are `count` of them.
(func $repeat (param $at i32) (param $size i32) (param $count i32)
  (local $done i32) (local $total i32) (local $more i32)
  (local.set $done (local.get $size))
  (local.set $total (i32.mul (local.get $size) (local.get $count)))
  (loop $again
    (if (i32.lt_u (local.get $done) (local.get $total))
      (then
        (local.set $more (call $least (local.get $done) (i32.sub (local.get $total) (local.get $done))))
        (memory.copy (i32.add (local.get $at) (local.get $done)) (local.get $at) (local.get $more))
        (local.set $done (i32.add (local.get $done) (local.get $more)))
        (br $again)))))

;; Writes the number of calls at the beginning of the text, so that each call has another one.
(func $stamp
  (local $at i32) (local $number i64)
  (local.set $number (global.get $calls))
  (local.set $at (i32.const 15))
  (loop $again
    (i32.store8 offset=65536 (local.get $at)
      (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (local.get $number) (i64.const 15)))))
    (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (br_if $again (i32.ge_s (local.get $at) (i32.const 0)))))

;; Writes one line of a letter and a number of three digits.
(func $tell (param $letter i32) (param $number i32)
  (if (i32.eqz (global.get $output)) (then (global.set $output (call $get_stdout))))
  (i32.store8 (i32.const 64) (local.get $letter))
  (i32.store8 (i32.const 65) (i32.add (i32.const 48) (i32.div_u (local.get $number) (i32.const 100))))
  (i32.store8 (i32.const 66)
    (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 10)) (i32.const 10))))
  (i32.store8 (i32.const 67) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
  (i32.store8 (i32.const 68) (i32.const 10))
  (call $write (global.get $output) (i32.const 64) (i32.const 5) (i32.const 80)))

;; Counts a call that begins, and one that succeeded. Each prints a line when its count has doubled.
(func $begun
  (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
  (if (i64.eq (global.get $calls) (global.get $next_calls))
    (then
      (call $tell (i32.const 99) (i32.wrap_i64 (i64.ctz (global.get $calls))))
      (global.set $next_calls (i64.shl (global.get $next_calls) (i64.const 1))))))

(func $succeeded
  (global.set $successes (i64.add (global.get $successes) (i64.const 1)))
  (if (i64.eq (global.get $successes) (global.get $next_successes))
    (then
      (call $tell (i32.const 115) (i32.wrap_i64 (i64.ctz (global.get $successes))))
      (global.set $next_successes (i64.shl (global.get $next_successes) (i64.const 1))))))
