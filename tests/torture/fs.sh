# fs.sh - the file systems that lose their power; after lib.sh.
#
#   make_fs NAME IMAGE   ext4, ext4-writeback, xfs or btrfs; 4: not to be had
#                        here, and why is on stdout
#   mount_fs NAME IMAGE FOLDER
#   unmount FOLDER       within 30 s
#   power                image is mounted at m again, as FS
#   check_fs NAME IMAGE  what its own checker finds wrong; nothing when sound
#
# shellcheck shell=sh

missing_()
{
	echo "$1 is not here"
	return 4
}

make_fs()
{
	case $1 in
	ext4*)
		truncate -s 128M "$2" && mkfs.ext4 -q -F \
			-E lazy_itable_init=0,lazy_journal_init=0 "$2"
		return
		;;
	xfs | btrfs)
		command -v "mkfs.$1" >/dev/null || { missing_ "mkfs.$1"
			return; }
		grep -qw "$1" /proc/filesystems || modprobe "$1" 2>/dev/null ||
			{ missing_ "$1 in this kernel"; return; }
		;;
	*) quit "$1: no file system of these tests" ;;
	esac
	case $1 in
	xfs) truncate -s 320M "$2" && mkfs.xfs -q -f "$2" ;;
	btrfs) truncate -s 256M "$2" && mkfs.btrfs -q -f -m single "$2" ;;
	esac
}

mount_fs()
{
	case $1 in
	ext4-writeback) mount -o loop,data=writeback "$2" "$3" ;;
	ext4) mount -o loop,data=ordered "$2" "$3" ;;
	*) mount -o loop -t "$1" "$2" "$3" ;;
	esac
}

check_fs()
{
	case $1 in
	ext4*) e2fsck -fn "$2" >c.fsck 2>&1 || cat c.fsck ;;
	xfs) xfs_repair -n "$2" >c.fsck 2>&1 || cat c.fsck ;;
	btrfs) btrfs check "$2" >c.fsck 2>&1 || cat c.fsck ;;
	esac
}

# Who was killed may still be on the way out.
unmount()
{
	for _ in $(seq 300); do
		umount "$1" 2>/dev/null && return
		sleep 0.1
	done
	umount "$1"
}

# The file system may be kept alive by another name space.
power()
{
	for try_ in 1 2 3 4 5 6 7 8 9; do
		unmount m && mount_fs "$FS" image m || quit 'cannot mount again'
		: 2>/dev/null >m/alive && return
		sleep "$try_"
	done
	quit 'the file system stays shut down'
}
