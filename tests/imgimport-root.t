# imgimport-root.t - what root does in the archive of another user is his.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
is_root || skip_all 'not root'

# Who may not look at where the commands were built.
mkdir bin && cp "$O"/bin/img* bin/ && chmod 755 "$T" . bin bin/*
as_user()
{
	nobody env PATH="$PWD/bin:$PATH" HOME=/nonexistent "$@"
}

# all_his DIR: nothing in it is root's.
all_his()
{
	test -z "$(find "$1" -user root)"
}

for i in 1 2 3; do
	img $i.dcm $i
done
echo none >cut.dcm
chmod 644 ./*.dcm
mkdir his && chown 65534:65534 his

exits 0 'a user makes an archive' as_user imgimport -q -C his/arch 1.dcm
chmod -R u+rwx his && find his/arch/objects -type d -name '0*' -empty -delete
exits 2 'root imports into it' \
	imgimport -q --quarantine -C his/arch 2.dcm cut.dcm
ok 'all is his' all_his his
exits 0 'what the user can read' as_user imgverify -q -C his/arch --all
ok 'both' test "$(records intact)" = 2
exits 0 'and add to' as_user imgimport -q -C his/arch 3.dcm
rm -f his/arch/catalog.db-*
exits 0 'root makes its catalog again' imgverify -q -C his/arch --rebuild
ok 'it is his, too' all_his his
exits 0 'and the user' as_user imgquery -C his/arch -l image --count
ok 'has all' grep -qx 3 out

mkdir new && chown 65534:65534 new
exits 0 'root makes an archive in the folder of a user' \
	imgimport -q -C new 1.dcm
ok 'all is his' all_his new
exits 0 'and he can go on' as_user imgimport -q -C new 2.dcm
exits 0 'with all of it' as_user imgverify -q -C new --all
ok 'two' test "$(records intact)" = 2

mkdir own && exits 0 'in a folder of root' imgimport -q -C own 1.dcm
ok 'all is root'\''s' test -z "$(find own ! -user root)"
finish
