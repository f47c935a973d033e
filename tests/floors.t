# floors.t - who may include whom, where foreign headers are, who prints, and
# how long a file is.
. "$(dirname "$0")/lib.sh"
need perl
here=$PWD
cd "$TOP" || exit 1

# Prints what breaks a rule, one line each; nothing when all is well.
# PART is the rule; FILES are looked at from the top folder.
cat >"$here/rules.pl" <<'EOP'
use strict;
use warnings;
my $part = shift;
my $floor = 0;
my %floor;
for (split /;/, 'base; jsonl dicom dcmtk archive crypto jail; record; codec signature; picture;' .
    'anon net media check whole catalog store audit; work; cli; cmd') {
	$floor{$_} = $floor for split;
	$floor++;
}
my %foreign = (		# header => rooms
	'sqlite3\.h' => 'catalog',
	'sodium(\.h|/)|nettle/|gcrypt\.h' => 'crypto',
	'archive(_entry)?\.h' => 'archive',
	'json-c/|json\.h' => 'jsonl',
	'dcmtk/' => 'dcmtk',
	'openjpeg' => 'codec',
	'openjph/' => 'dcmtk',
	'png\.h|jpeglib\.h' => 'picture',
	'zlib\.h' => 'dicom archive codec',
	'curl/' => 'net',
	'iconv\.h' => 'dicom',
	'seccomp\.h|linux/seccomp\.h|linux/landlock\.h' => 'jail',
	'getopt\.h' => 'cli',
	'uni(case|conv|ctype|gbrk|lbrk|name|norm|str|width|wbrk)\.h' => 'dicom cli',
);

# Without comments and the insides of strings, lines kept.
sub code {
	my $s = shift;
	$s =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:\\.|[^"\\\n])*")|('(?:\\.|[^'\\\n])*')}{
		my $m = $&; my $n = ($m =~ tr/\n//);
		defined $3 ? '""' : defined $4 ? "' '" : "\n" x $n || ' ' }gsex;
	return $s;
}

for my $file (@ARGV) {
	my ($room) = $file =~ m{^common/([^/]+)/};
	$room = 'cmd' if $file =~ m{^cmd/};
	open my $in, '<', $file or die "$file: $!";
	my $text = do { local $/; <$in> };
	print "$file: no room of this name\n" and next
	    unless defined $room && defined $floor{$room};
	my $at = 0;
	if ($part eq 'length') {
		my $n = ($text =~ tr/\n//);
		my $max = $room eq 'cmd' ? 250 : 500;
		print "$file: $n lines, $max are enough\n" if $n > $max;
		next;
	}
	if ($part eq 'print') {
		next if $floor{$room} >= $floor{cli};
		my $exits = $room eq 'jail' || $file =~ m{/export_process\.c$} ? 'exit' : '_?exit|_Exit|abort';
		for (split /\n/, code($text)) {
			$at++;
			print "$file:$at: $1\n" if /\b(v?printf|puts|putchar|perror|$exits|errx?|warnx?)\s*\(/ ||
			    /\b(stdout|stderr)\b/;
		}
		next;
	}
	for (split /\n/, $text) {
		$at++;
		next unless /^\s*#\s*include\s*(["<])([^">]+)[">]/;
		my ($how, $name) = ($1, $2);
		if ($part eq 'floors' && $how eq '"') {
			my ($to, $door) = $name =~ m{^([^/]+)/([^/]+)\.h$};
			# A header of the room's own, or one made for it.
			next if !defined $to || $to eq $room;
			if (!defined $floor{$to}) {
				print "$file:$at: $name is of no room\n";
			} elsif ($floor{$to} >= $floor{$room}) {
				print "$file:$at: $room is not above $to\n";
			} elsif ($to ne $door &&
			    ($to ne 'work' || $door =~ /private/)) {
				print "$file:$at: $name is not a door\n";
			}
		}
		if ($part eq 'foreign') {
			for my $h (keys %foreign) {
				next if $how eq '"' && $name =~ m{^\w+/\w+\.h$} &&
				    ($h ne 'dcmtk/' || $name eq 'dcmtk/dcmtk.h');
				next unless $name =~ m{^(?:$h)};
				print "$file:$at: <$name> belongs to $foreign{$h}\n"
				    unless grep { $_ eq $room } split / /, $foreign{$h};
			}
		}
	}
}
EOP

sources()
{
	find common cmd -name '*.[ch]' -o -name '*.cc' -o -name '*.hh' | sort
}

rule()
{
	sources | xargs perl "$here/rules.pl" "$1" >"$here/found" 2>&1
	[ ! -s "$here/found" ] || { cat "$here/found"; return 1; }
}

ok 'a room includes only doors of rooms below it' rule floors
ok 'foreign headers are in their rooms only' rule foreign
ok 'only cmd and cli print or exit' rule print
ok 'a command has 250 lines at most, a file of a room 500' rule length

cplusplus()
{
	find cmd common tests \( -name '*.cc' -o -name '*.cpp' -o -name '*.cxx' \
		-o -name '*.hh' -o -name '*.hpp' \) ! -path 'common/dcmtk/*' \
		! -path 'tests/fuzz/*' | grep . && return 1
	return 0
}
ok 'C++ is in common/dcmtk only' cplusplus

# What this test is worth: each rule finds what breaks it.
mkdir -p "$here/common/record" "$here/common/cli" "$here/cmd"
cd "$here" || exit 1
finds()
{
	printf '%s\n' "$3" >"$2"
	perl rules.pl "$1" "$2" | grep -q .
}
f=common/record/x.c
ok 'finds a room above' finds floors $f '#include "catalog/catalog.h"'
ok 'finds a room of the same floor' \
	finds floors common/record/../record/x.c '#include "cli/cli.h"'
ok 'finds what is not a door' finds floors $f '#include "jsonl/guard.h"'
ok 'finds an unknown room' finds floors $f '#include "junk/junk.h"'
ok 'finds a foreign header' finds foreign $f '#include <sqlite3.h>'
ok 'finds another' finds foreign cmd/x.c '#include <json-c/json.h>'
ok 'finds printf' finds print $f 'int f(void) { printf("x"); }'
ok 'finds exit' finds print $f 'int f(void) { exit (3); }'
ok 'finds stderr' finds print $f 'fprintf(stderr, "x");'
seq 251 >long
ok 'finds a long command' finds length cmd/x.c "$(cat long)"
no()
{
	! finds "$@"
}
ok 'takes a door below' no floors $f '#include "jsonl/jsonl.h"'
ok 'takes a comment on printf' no print $f '/* printf("x") */ int x; // exit()'
ok 'takes snprintf and a string' no print $f 'snprintf(s, 3, "exit(");'
seq 250 >long
ok 'takes 250 lines' no length cmd/x.c "$(cat long)"

# A command links only what it uses.
for c in imgimport imgquery; do
	if [ -x "$O/bin/$c" ] && command -v readelf >/dev/null; then
		ok "$c does not load DCMTK" sh -c \
			"! readelf -d '$O/bin/$c' | grep -E 'NEEDED.*(dcm|ofstd|stdc\+\+)'"
	else
		skip "$c does not load DCMTK" "no $c or no readelf"
	fi
done
finish
