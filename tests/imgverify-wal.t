# imgverify-wal.t - the catalog's log (catalog.db-wal) that was not written back
# yet: bits that flip in it, and one that is cut off, gone or another's.  No row
# is missing and nothing said.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need perl sqlite3

mkdir in
for n in 1 2 3 4; do img in/$n.dcm $n; done
import in/1.dcm >/dev/null

# A reader keeps it from being written back.
mkfifo hold
sqlite3 arch/catalog.db <hold >held 2>&1 &
exec 7>hold
echo 'BEGIN; SELECT count(*) FROM object;' >&7
until [ -s held ]; do sleep 0.05; done
for n in 2 3 4; do
	import in/$n.dcm >/dev/null
	cp arch/catalog.db-wal wal.$n
done
cp -a arch kept && rm -f kept/catalog.db-shm
exec 7>&-
wait $!
again()
{
	rm -rf arch && cp -a kept arch
}

# told TEXT: what is missing, or damage; or all is there
missed=0 tolds=0
told()
{
	verify --all >out 2>err
	got_=$?
	case $got_ in
	1 | 3) tolds=$((tolds + 1)) ;;
	0) [ "$(rows 'SELECT count(*) FROM object')" = 4 ] ;;
	*) false ;;
	esac || {
		missed=$((missed + 1))
		echo "$1: status $got_"
	}
	again
}

again
size=$(stat -c %s arch/catalog.db-wal)
ok 'a log is there' test "$size" -gt 8192
exits 0 'with it all is well' verify --all
again
at=0
while [ $at -lt "$size" ]; do
	bitflip arch/catalog.db-wal $at $((at % 8)) >/dev/null
	told "flip at $at of $size"
	at=$((at + size / 25 + 1))
done >flips
same 'of bits that flip in it none goes unseen' flips </dev/null
ok 'most are told' test $tolds -gt 15

for n in 2 3; do
	cp wal.$n arch/catalog.db-wal
	told "an older one, of object $n"
done >olds
truncate -s $((size / 2)) arch/catalog.db-wal
told 'half of it' >>olds
rm arch/catalog.db-wal
told 'none' >>olds
head -c "$size" /dev/zero >arch/catalog.db-wal
told 'zeros' >>olds
rm -rf other && imgimport -q -C other in >/dev/null
sqlite3 other/catalog.db "CREATE TABLE another (n)" \
	'.shell cp other/catalog.db-wal alien'
ok 'there is another log' test -s alien
cp alien arch/catalog.db-wal
told 'that of another' >>olds
same 'none of them goes unseen' olds </dev/null
exits 0 'the catalog is made again' sh -c \
	'rm arch/catalog.db-wal && { imgverify -q -C arch --rebuild; [ $? -le 1 ]; }'
exits 0 'and all is there' verify --all
ok 'four objects' test "$(rows 'SELECT count(*) FROM object')" = 4
finish
