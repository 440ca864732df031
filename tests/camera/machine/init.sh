#!/bin/sh
# The first process of the kernel: it lays what is written over this machine's files, opens one folder (share=) that
# keeps what is written into it, starts share/.job, and switches off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb
mount -t proc proc /proc
share=$(sed 's/.* livefill\.share=\([^ ]*\).*/\1/' /proc/cmdline)
mount -t tmpfs -o size=2g tmpfs /mnt
mkdir /mnt/files /mnt/written /mnt/between /mnt/root
mount -t hostfs -o / none /mnt/files
mount -t overlay -o lowerdir=/mnt/files,upperdir=/mnt/written,workdir=/mnt/between overlay /mnt/root
cd /mnt/root || exit 1
mkdir -p ".$share"
mount -t hostfs -o "$share" none ".$share"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mkdir -p dev/shm dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t devpts devpts dev/pts
busybox ifconfig lo 127.0.0.1 up
chroot . /bin/bash "$share/.job"
busybox poweroff -f
