# group.t - an archive in a folder with the set-group-ID bit is for its group.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
is_root || skip_all 'not root'
need setpriv sqlite3

# Who may not look at where the commands were built.
mkdir bin && cp "$O"/bin/img* bin/ && chmod 755 "$T" . bin bin/*
# as UID GROUPS COMMAND ...: with a umask that leaves nothing to others.
as()
{
	uid=$1 groups=$2
	shift 2
	(
		umask 077
		exec setpriv --reuid "$uid" --regid "$uid" --groups "$groups" \
			env PATH="$PWD/bin:$PATH" HOME=/nonexistent "$@"
	)
}

# mine DIR: what in it is not for the group of 61000, or for others.
mine()
{
	find "$1" ! -group 61000 -o -perm /007 -o -type d ! -perm -2070 -o \
		-type f ! -perm -040 -o -type f ! -path '*/objects/*' \
		! -path '*/quarantine/*' ! -perm -060
}

for i in 1 2 3 4; do
	img $i.dcm $i
done
echo none >cut.dcm
chmod 644 ./*.dcm
mkdir ours && chgrp 61000 ours && chmod 2770 ours

exits 0 'one of the group makes an archive' \
	as 61001 61000 imgimport -q -C ours 1.dcm
ok 'all of it is for the group' test -z "$(mine ours)"
exits 2 'another adds to it' as 61002 61000 \
	imgimport -q --quarantine -C ours 2.dcm cut.dcm
ok 'what he made, too' test -z "$(mine ours)"
exits 0 'the first finds it' \
	as 61001 61000 imgquery -C ours -l image --count
ok 'both' grep -qx 2 out
exits 0 'and reads it' as 61001 61000 imgverify -q -C ours --all
ok 'both' test "$(records intact)" = 2

rm -f ours/catalog.db-*
exits 0 'the other makes the catalog again' \
	as 61002 61000 imgverify -q -C ours --rebuild
ok 'that is for the group' test -z "$(mine ours)"
exits 0 'root adds to it' imgimport -q -C ours 3.dcm
ok 'that is for the group' test -z "$(mine ours)"
exits 0 'the first goes on' as 61001 61000 imgimport -q -C ours 4.dcm
exits 0 'with all of it' as 61001 61000 imgverify -q -C ours --all
ok 'four' test "$(records intact)" = 4
exits 3 'who is not of the group' as 61003 61003 imgquery -C ours --count
ok 'may not look into it' grep -q 'ermission denied' err

# A crash leaves a folder in tmp, which the next of the group takes away.
mkdir -m 2770 ours/tmp/0123456789abcdef && chown 61001 ours/tmp/0*
exits 0 'the next takes away what a crash has left' \
	as 61002 61000 imgimport -q -C ours 1.dcm
ok 'all of it' test -z "$(ls ours/tmp)"

mkdir theirs && chown 61001:61000 theirs && chmod 2750 theirs
exits 0 'where the group may read only' \
	as 61001 61000 imgimport -q -C theirs 1.dcm
exits 0 'another looks' as 61002 61000 imgverify -q -C theirs --all
ok 'at it' test "$(records intact)" = 1
exits 3 'and adds nothing' as 61002 61000 imgimport -q -C theirs 2.dcm

mkdir -m 700 own && chown 61001 own
exits 0 'without that bit' as 61001 61000 imgimport -q -C own 1.dcm
ok 'it is for its owner only' test -z "$(find own -perm /077 \
	! -name catalog.db\* ! -path '*/objects/*/*')"
chgrp -R 61000 own && chmod -R g=u own && find own -type d -exec chmod g+s {} +
exits 0 'later it is the group'\''s' \
	as 61002 61000 imgimport -q -C own 2.dcm
ok 'all of it' test -z "$(mine own)"
exits 0 'for the other' as 61001 61000 imgverify -q -C own --all
ok 'as well' test "$(records intact)" = 2
finish
