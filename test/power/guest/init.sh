#!/bin/busybox sh
# The first program of the machine: loads the modules, brings up the network that leads to the host, mounts the system drive, runs the guest's program, and turns the
# machine off. `power_node` comes from the kernel's command line, like the other settings, which the program itself reads.
bb=/bin/busybox
$bb mount -t devtmpfs none /dev
$bb mount -t proc none /proc
$bb mount -t sysfs none /sys
for module in /modules/*; do $bb insmod "$module"; done
$bb ip link set eth0 up && $bb ip addr add 10.0.2.15/24 dev eth0
$bb mount -t ext4 -o ro /dev/vda /system
for name in dev proc sys; do $bb mount -o bind "/$name" "/system/$name"; done
$bb mount -t tmpfs none /system/tmp
# shellcheck disable=SC2086
$bb chroot /system /bin/node $power_node /app/guest/main.mjs || echo "power: the guest's program failed"
$bb poweroff -f
