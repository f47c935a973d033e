# place.t - where an archive is made, and where none is.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

mkdir -p in/head/cr && img in/head/cr/1.dcm 1 && img 2.dcm 2

# all DIR: what is in there
all()
{
	find "$1" | sort
}

# ---- a folder that is in use -----------------------------------------------

mkdir file links other && echo text >file/notes.txt
ln -s nowhere links/away && ln -s in/head alias && mkdir -p other/tmp other/x
all . | grep -v '^./[a-z]*$' >before
for dir in in in/head in/head/ in/head/../head alias in/head/cr file links \
	other new/../in; do
	exits 64 "$dir is no place for an archive" \
		imgimport -C $dir in/head/cr
	same 'and it is said why' err <<!
imgimport: $dir: is no archive, and not empty; -C names the archive
usage: imgimport [options] [path ...]
!
	ok 'without a record' test ! -s out
	exits 64 'nor in a dry run' imgimport -n -C $dir 2.dcm
	exits 64 'nor from the environment' env IMG_CATALOG=$dir imgimport 2.dcm
	exits 64 'nor for a listener' timeout 20 imgrecv -C $dir -p 0
	ok 'that listens' sh -c '! grep -q listening err'
	rmdir new 2>/dev/null
done
all . | grep -v '^./[a-z]*$' >after
same 'nothing was made' after <before

# ---- one that is empty, or as good as --------------------------------------

mkdir -p empty mount/lost+found mount/.Trash-0 deep \
	'mount/System Volume Information' "mount/\$RECYCLE.BIN"
echo x >mount/.hidden && echo '{}' >empty/peers.json
for dir in empty mount deep/er/still; do
	exits 0 "an archive in $dir" imgimport -q -C $dir 2.dcm
	exits 0 'is one' imgverify -q -C $dir --all
done
ok 'what was there is there' test -d mount/lost+found -a -s mount/.hidden
echo text >empty/notes.txt
exits 0 'one that is there takes whatever else is' imgimport -q -C empty 2.dcm
ok 'as before' test "$(records duplicate)" = 1
exits 0 'a folder about the images' imgimport -q -C in/archive in
brief | sort >got
same 'is read but for the archive' got <<!
ignored in/archive
stored in/head/cr/1.dcm
!

# What an import leaves that was killed while it made the archive.
for made in objects 'objects tmp' tmp 'objects/00 tmp quarantine' \
	'objects/ff tmp/0123456789abcdef quarantine lock' \
	'objects/ff tmp quarantine lock audit.log' \
	'objects/ff tmp quarantine lock audit.log catalog.db'; do
	rm -rf half && mkdir half
	for part in $made; do
		case $part in
		lock | audit.log | catalog.db) : >half/$part ;;
		*) mkdir -p half/$part ;;
		esac
	done
	exits 0 "half made: $made" imgimport -q -C half 2.dcm
	exits 0 'is completed' imgverify -q -C half --all
done

# ---- --no-create -----------------------------------------------------------

rm -rf empty && mkdir empty
mkfifo pipe
for dir in empty none none/below in/head 2.dcm/x; do
	echo "imgimport: $dir: no archive is there, and --no-create makes" \
		"none; is its disk mounted?" >want
	exits 3 "$dir: no archive, and none is made" \
		timeout 20 imgimport --no-create -C $dir pipe 2.dcm
	same 'which is said' err <want
	ok 'without a record' test ! -s out
	exits 3 'nor with standard input' sh -c \
		"imgimport --no-create -C $dir; s=\$?; cat >rest; exit \$s" \
		<2.dcm
	ok 'which is left alone' cmp rest 2.dcm
	exits 3 'nor in a dry run' imgimport --no-create -n -C $dir 2.dcm
	sed -i 's/^imgimport/imgrecv/' want
	exits 3 'nor for a listener' timeout 20 imgrecv --no-create -C $dir -p 0
	same 'that does not listen' err <want
done
ok 'nothing is there' test -z "$(ls empty)" -a ! -e none
ok 'nor in the folder' test "$(ls in/head)" = cr
exits 0 'one that is there' imgimport -q --no-create -C mount 2.dcm in/head
brief | sort >got
same 'is used' got <<!
duplicate 2.dcm
stored in/head/cr/1.dcm
!
exits 0 'and made without input' imgimport -q -C none </dev/null
exits 1 'as an empty one' imgquery -C none
exits 0 'which will do' imgimport -q --no-create -C none 2.dcm
rm -f mount/catalog.db* mount/audit.log
exits 3 'one that has lost its catalog' \
	imgimport -q --no-create -C mount 2.dcm
same 'is told' err <<'!'
imgimport: mount/catalog.db: is gone, and the archive is not new; imgverify --rebuild makes it again
!
finish
