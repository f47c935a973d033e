#!/bin/sh
# run.sh - run the tests named as operands, or all: unit tests and *.t.
#
# O is the build folder.  The last line counts: passed, failed, skipped.
set -u
top=$(cd "$(dirname "$0")/.." && pwd) && cd "$top" || exit 1
O=${O:-$top/build}
export O

# One test, as the harness calls it.
if [ "${1-}" = --one ]; then
	case $2 in
	*.t) exec timeout -k 10 "${TEST_SECONDS:-900}" sh "$2" ;;
	esac
	# cmocka calls what it skipped "not ok".
	lines=$(mktemp) || exit 1
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "${TEST_SECONDS:-900}" "$2" \
		>"$lines"
	status=$?
	sed 's/^not ok\( .*# SKIP\)/ok\1/' "$lines"
	rm -f "$lines"
	exit $status
fi

if [ $# = 0 ]; then
	for f in tests/unit/*.c; do
		[ -f "$f" ] && set -- "$@" "$O/unit/$(basename "$f" .c)"
	done
	for f in tests/*.t; do
		[ -f "$f" ] && set -- "$@" "$f"
	done
fi

exec perl - "$@" <<'EOP'
# What prove does, and the counts besides.
use strict;
use warnings;
use TAP::Harness;
my %skipped;
my $harness = TAP::Harness->new({
	jobs => $ENV{JOBS} || 2,
	failures => 1,
	comments => 1,
	exec => ['sh', 'tests/run.sh', '--one'],
});
$harness->callback(made_parser => sub {
	my ($parser, $job) = @_;
	my $name = $job->[0];
	$parser->callback(test => sub {
		my $t = shift;
		push @{ $skipped{$name} }, ($t->description =~ s{^- }{}r) . ': ' .
		    $t->explanation if $t->has_skip;
	});
	$parser->callback(plan => sub {
		my $p = shift;
		push @{ $skipped{$name} }, 'all: ' . $p->explanation
		    if $p->has_skip;
	});
});
my $all = $harness->runtests(@ARGV);
my ($passed, $failed, $skips) = (0, 0, 0);
for my $parser ($all->parsers) {
	my $bad = $parser->failed;
	my @s = $parser->skipped;
	# A test that ends in disorder is one failure more.
	$bad++ if !$bad && $parser->has_problems;
	$failed += $bad;
	$skips += @s + (defined $parser->skip_all ? 1 : 0);
	$passed += $parser->passed - @s;
}
for my $name (sort keys %skipped) {
	print "skipped: $name: $_\n" for @{ $skipped{$name} };
}
print "$passed passed, $failed failed, $skips skipped\n";
exit($failed || !$all->all_passed || !$passed ? 1 : 0);
EOP
