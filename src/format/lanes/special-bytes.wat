;; Finding special bytes sixteen at a time. special-bytes-simd.ts says what this is for and how it is called. Its test assembles this
;; text into special-bytes.wasm.ts. The same in TypeScript, byte by byte, is `findByBytes` in special-bytes.ts.
;;
;; A step looks at 64 bytes, four vectors. A comparison gives a vector of all ones or zeros for each byte, `bitmask` takes one bit
;; of each, and four of these make 64 bits: bit n is for byte n of the step. Writing an entry for each bit that is set then takes
;; time for the special bytes only. Reading ahead like this comes from simdjson.
;;
;; An entry is 64 bits: the position of a byte in the lower half, its UTF-16 position in the upper half. These differ by the
;; surplus: how many bytes before it are no UTF-16 unit of their own. In UTF-8 the inner bytes of a character (0x80 to 0xbf) have
;; none, and a first byte from 0xf0 on has two.
(module
  (import "js" "memory" (memory 1))

  ;; Looks at [0, end) of the memory and up to 63 bytes after it. Writes an entry for each special byte from the address `out` on, and
  ;; one for the place where it stopped; returns the address of that one. `origin` is added to positions, `surplus` is that at 0.
  (func (export "find") (param $end i32) (param $out i32) (param $origin i32) (param $surplus i32) (result i32)
    (local $at i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $space v128) (local $quote v128) (local $backslash v128) (local $first v128) (local $four-lead v128)
    (local $special i64) ;; bits of control characters, quotes and backslashes
    (local $inner i64)   ;; bits of inner bytes
    (local $four i64)    ;; bits of the first bytes of characters of four bytes
    (local $below i64)   ;; bits of all bytes before a special one
    (local $place i64)   ;; the entry of the first byte of this step

    (local.set $space (i8x16.splat (i32.const 0x20)))
    (local.set $quote (i8x16.splat (i32.const 0x22)))
    (local.set $backslash (i8x16.splat (i32.const 0x5c)))
    (local.set $first (i8x16.splat (i32.const 0xc0)))
    (local.set $four-lead (i8x16.splat (i32.const 0xf0)))

    (block $done (loop $step
      (local.set $place (i64.or
        (i64.extend_i32_u (i32.add (local.get $origin) (local.get $at)))
        (i64.shl
          (i64.extend_i32_u (i32.sub (i32.add (local.get $origin) (local.get $at)) (local.get $surplus)))
          (i64.const 32))))
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))

      (local.set $a (v128.load offset=0 (local.get $at)))
      (local.set $b (v128.load offset=16 (local.get $at)))
      (local.set $c (v128.load offset=32 (local.get $at)))
      (local.set $d (v128.load offset=48 (local.get $at)))

      ;; A control character, a quote or a backslash.
      (local.set $special (i64.extend_i32_u (i8x16.bitmask (v128.or (v128.or
          (i8x16.lt_u (local.get $a) (local.get $space))
          (i8x16.eq (local.get $a) (local.get $quote)))
          (i8x16.eq (local.get $a) (local.get $backslash))))))
      (local.set $special (i64.or (local.get $special)
        (i64.shl (i64.extend_i32_u (i8x16.bitmask (v128.or (v128.or
          (i8x16.lt_u (local.get $b) (local.get $space))
          (i8x16.eq (local.get $b) (local.get $quote)))
          (i8x16.eq (local.get $b) (local.get $backslash))))) (i64.const 16))))
      (local.set $special (i64.or (local.get $special)
        (i64.shl (i64.extend_i32_u (i8x16.bitmask (v128.or (v128.or
          (i8x16.lt_u (local.get $c) (local.get $space))
          (i8x16.eq (local.get $c) (local.get $quote)))
          (i8x16.eq (local.get $c) (local.get $backslash))))) (i64.const 32))))
      (local.set $special (i64.or (local.get $special)
        (i64.shl (i64.extend_i32_u (i8x16.bitmask (v128.or (v128.or
          (i8x16.lt_u (local.get $d) (local.get $space))
          (i8x16.eq (local.get $d) (local.get $quote)))
          (i8x16.eq (local.get $d) (local.get $backslash))))) (i64.const 48))))

      ;; Where all 64 bytes are ASCII (no top bit is set), both positions of byte n are n more than those of the step.
      (if (i32.eqz (i8x16.bitmask (v128.or
            (v128.or (local.get $a) (local.get $b)) (v128.or (local.get $c) (local.get $d)))))
        (then
          (block $written (loop $next
            (br_if $written (i64.eqz (local.get $special)))
            (i64.store (local.get $out) (i64.add (local.get $place)
              (i64.mul (i64.ctz (local.get $special)) (i64.const 0x1_0000_0001)))) ;; n in both halves
            (local.set $out (i32.add (local.get $out) (i32.const 8)))
            ;; Clears the lowest bit.
            (local.set $special
              (i64.and (local.get $special) (i64.sub (local.get $special) (i64.const 1))))
            (br $next))))
        (else
          ;; An inner byte: 0x80 to 0xbf, which as signed numbers are the lowest there are.
          (local.set $inner (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_s (local.get $a) (local.get $first)))))
          (local.set $inner (i64.or (local.get $inner)
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_s (local.get $b) (local.get $first)))) (i64.const 16))))
          (local.set $inner (i64.or (local.get $inner)
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_s (local.get $c) (local.get $first)))) (i64.const 32))))
          (local.set $inner (i64.or (local.get $inner)
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_s (local.get $d) (local.get $first)))) (i64.const 48))))
          ;; The first byte of a character of four bytes.
          (local.set $four (i64.extend_i32_u (i8x16.bitmask (i8x16.ge_u (local.get $a) (local.get $four-lead)))))
          (local.set $four (i64.or (local.get $four)
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.ge_u (local.get $b) (local.get $four-lead)))) (i64.const 16))))
          (local.set $four (i64.or (local.get $four)
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.ge_u (local.get $c) (local.get $four-lead)))) (i64.const 32))))
          (local.set $four (i64.or (local.get $four)
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.ge_u (local.get $d) (local.get $four-lead)))) (i64.const 48))))
          (block $written (loop $next
            (br_if $written (i64.eqz (local.get $special)))
            ;; All bits below the lowest one.
            (local.set $below (i64.sub
              (i64.and (local.get $special) (i64.sub (i64.const 0) (local.get $special)))
              (i64.const 1)))
            ;; As above, less the surplus of the bytes between the start of the step and this one, in the upper half.
            (i64.store (local.get $out) (i64.sub
              (i64.add (local.get $place) (i64.mul (i64.ctz (local.get $special)) (i64.const 0x1_0000_0001)))
              (i64.shl
                (i64.sub
                  (i64.popcnt (i64.and (local.get $inner) (local.get $below)))
                  (i64.popcnt (i64.and (local.get $four) (local.get $below))))
                (i64.const 32))))
            (local.set $out (i32.add (local.get $out) (i32.const 8)))
            (local.set $special
              (i64.and (local.get $special) (i64.sub (local.get $special) (i64.const 1))))
            (br $next)))
          (local.set $surplus (i32.add (local.get $surplus) (i32.wrap_i64
            (i64.sub (i64.popcnt (local.get $inner)) (i64.popcnt (local.get $four))))))))

      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (br $step)))

    (i64.store (local.get $out) (local.get $place))
    (local.get $out)))
