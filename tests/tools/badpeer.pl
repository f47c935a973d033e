#!/usr/bin/perl
# badpeer.pl - a DICOM peer that misbehaves: badpeer.pl PORTFILE HOW
#
# Listens on a free port of this machine, which it writes to PORTFILE, and
# treats every association as HOW says.  PS3.8 9.3, PS3.7 6.3 by hand.
use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/listen.pl";

my ($file, $how) = @ARGV;
$SIG{PIPE} = 'IGNORE';

sub get
{
	my ($c, $n) = @_;
	my $b = '';
	while (length $b < $n) {
		sysread($c, my $x, $n - length $b) or exit 0;
		$b .= $x;
	}
	return $b;
}

sub pdu
{
	my ($c) = @_;
	my ($type, $n) = unpack 'CxN', get($c, 6);
	return ($type, get($c, $n));
}

sub item { pack('Cxn', $_[0], length $_[1]) . $_[1] }

# Accepts each context with its first transfer syntax, or with $ts.
sub accept_all
{
	my ($rq, $max, $ts) = @_;
	my $b = substr($rq, 0, 68);
	my $out = item(0x10, '1.2.840.10008.3.1.1.1');
	my $at = 68;
	while ($at + 4 <= length $rq) {
		my ($t, $n) = unpack 'Cxn', substr $rq, $at, 4;
		my $v = substr $rq, $at + 4, $n;
		$at += 4 + $n;
		next unless $t == 0x20;
		my $id = ord $v;
		my ($first) = $v =~ /\x40\x00..([0-9.]+)/s;
		$out .= item(0x21, pack('Cxxx', $id) . item(0x40, $ts // $first));
	}
	$out .= item(0x50, item(0x51, pack 'N', $max) . item(0x52, '2.25.1'));
	return pack('CxN', 2, length($b) + length $out) . $b . $out;
}

sub element { pack('vvV', 0, $_[0], length $_[1]) . $_[1] }

sub rsp
{
	my ($field, $id, $status, $more) = @_;
	my $set = element(0x100, pack 'v', $field) . element(0x120, pack 'v', $id) .
	    element(0x800, pack 'v', 0x101) . element(0x900, pack 'v', $status) .
	    ($more // '');
	return element(0, pack 'V', length $set) . $set;
}

sub pdv
{
	my ($ctx, $flags, $data) = @_;
	return pack('CxNNCC', 4, length($data) + 6, length($data) + 2, $ctx,
	    $flags) . $data;
}

# What one message says: context, message id, command field, all of it read
sub message
{
	my ($c, $command_only) = @_;
	my ($ctx, $id, $field, $set) = (0, 0, 0, '');
	our ($said, $data);
	$data = '';
	for (;;) {
		my ($t, $b) = pdu($c);
		if ($t == 5) { print $c pack 'CxNN', 6, 4, 0; exit 0 }
		exit 0 if $t != 4;
		while (length $b > 6) {
			my ($n, $i, $fl) = unpack 'NCC', $b;
			my $d = substr $b, 6, $n - 2;
			$b = substr $b, 4 + $n;
			$ctx = $i;
			$set .= $d if $fl & 1;
			$data .= $d if !($fl & 1);
			next unless $fl == 3 || $fl == 2;
			$said = $set;
			$field = unpack 'v', $1 if $set =~ /\0\0\0\x01\x02\0\0\0(..)/s;
			$id = unpack 'v', $1 if $set =~ /\0\0\x10\x01\x02\0\0\0(..)/s;
			return ($ctx, $id, $field) if $fl == 2 || $command_only ||
			    $field == 0x30;
		}
	}
}

# A C-FIND answer that is not the last, with an instance nobody asked for.
sub pending
{
	my ($ctx, $id) = @_;
	my $set = element(0x100, pack 'v', 0x8020) .
	    element(0x120, pack 'v', $id) . element(0x800, pack 'v', 1) .
	    element(0x900, pack 'v', 0xFF00);
	my $uid = "2.25.77\0";
	return pdv($ctx, 3, element(0, pack 'V', length $set) . $set) .
	    pdv($ctx, 2, pack('vva2v', 8, 0x18, 'UI', length $uid) . $uid);
}

# An N-EVENT-REPORT of storage commitment with this data set.
sub event
{
	my ($ctx, $id, $data) = @_;
	my $class = "1.2.840.10008.1.20.1";
	my $set = element(0x2, $class) . element(0x100, pack 'v', 0x100) .
	    element(0x110, pack 'v', $id) . element(0x800, pack 'v', 1) .
	    element(0x1000, "$class.1") . element(0x1002, pack 'v', 1);
	my $out = pdv($ctx, 3, element(0, pack 'V', length $set) . $set);
	while (length $data > 16000) {
		$out .= pdv($ctx, 0, substr $data, 0, 16000, '');
	}
	return $out . pdv($ctx, 2, $data);
}

# Slower than any answer may take, and never silent for long.
sub drip
{
	my ($c, $text) = @_;
	for (split //, $text) {
		defined syswrite($c, $_) or exit 0;
		select undef, undef, undef, 0.4;
	}
}

# Some bytes of it changed, the same for the same seed.
sub flip
{
	my ($text, $seed) = @_;
	srand $seed;
	for (0 .. rand 4) {
		my $at = int rand length $text;
		substr($text, $at, 1) = chr int rand 256;
	}
	return $text;
}

my $answers = 0;

sub serve
{
	my ($c) = @_;
	my ($type, $rq) = (0, '');
	sleep 100 if $how eq 'silent';
	if ($how eq 'garbage') { print $c 'no DICOM at all ' x 64; sleep 100 }
	($type, $rq) = pdu($c);
	if ($how eq 'huge-ac') { print $c pack 'CxN', 2, 0xFFFFFFFF; sleep 100 }
	if ($how =~ /^reject(.)(.)(.)$/) {
		print $c pack 'CxNxCCC', 3, 4, $1, $2, $3;
		sleep 1;
		return;
	}
	return if $how eq 'hang-up';
	my $max = $how =~ /^max(\d+)$/ ? $1 : 16384;
	my $ac = accept_all($rq, $max,
	    $how eq 'other-syntax' ? '1.2.840.10008.1.2.4.50' : undef);
	drip($c, $ac) if $how eq 'drip';
	$ac = flip($ac, $1) if $how =~ /^flip(\d*[02468])$/;
	print $c $ac;
	$c->flush;
	while ($how eq 'sip' && sysread $c, my $x, 1) { sleep 1 }
	if ($how eq 'cut') { get($c, 4000); close $c; return }
	if ($how eq 'abort') { get($c, 300); print $c pack 'CxNxxCC', 7, 4, 2, 0;
		sleep 1; return }
	for (;;) {
		my ($ctx, $id, $field) = message($c, $how eq 'early');
		my $ok = rsp($field | 0x8000, $id, 0);
		if ($how eq 'early') { print $c pdv($ctx, 3, $ok); sleep 1; return }
		if ($how eq 'mute') { sleep 100 }
		my ($uid) = $how =~ /^mute,(.*)$/;
		if ($uid && our $said =~ /\Q$uid\E\0?(?:\0|\z)/) {
			open my $log, '>>', 'silences' or die;
			print $log "$uid\n";
			close $log;
			sleep 100;
		}
		if ($how eq 'wrong-id') { $ok = rsp(0x8001, $id + 1, 0) }
		if ($how eq 'wrong-instance') {
			$ok = rsp(0x8001, $id, 0, element(0x1000, "2.25.99\0"));
		}
		if ($how eq 'wrong-field') { $ok = rsp(0x8020, $id, 0) }
		if ($how eq 'request') { $ok = rsp(0x0001, $id, 0) }
		if ($how eq 'no-status') { $ok = substr $ok, 0, -10 }
		if ($how eq 'not-context') { $ctx = 255 }
		if ($how eq 'even-context') { $ctx = 2 }
		drip($c, pdv($ctx, 3, $ok)) if $how eq 'drip-answer';
		if ($how eq 'events') {
			my $n = 0;
			for (;;) {
				print $c event($ctx, ++$n & 0xFFFF, 'x' x 20) or
				    return;
				select undef, undef, undef, 0.05;
			}
		}
		print $c event($ctx, 1, "\x08\0\x95\x11UI" . 'x' x 40000000)
		    if $how eq 'big-event';
		if ($how eq 'pending' && $field == 0x20) {
			for (;;) {
				print $c pending($ctx, $id) or return;
				select undef, undef, undef, 0.05;
			}
		}
		# It has a series, and does not say how many images, and no image.
		if ($how eq 'no-images' && $field == 0x20 && !$answers++) {
			my $set = element(0x100, pack 'v', 0x8020) .
			    element(0x120, pack 'v', $id) .
			    element(0x800, pack 'v', 1) .
			    element(0x900, pack 'v', 0xFF00);
			my $uid = "2.25.2";
			print $c pdv($ctx, 3, element(0, pack 'V', length $set) .
			    $set) . pdv($ctx, 2, pack('vva2v', 0x20, 0xE, 'UI',
			    length $uid) . $uid);
		}
		# It knows no storage commitment.
		$ok = rsp($field | 0x8000, $id, 0x0211)
		    if $how eq 'pending' && $field == 0x130;
		if ($how =~ /^statuses,(.*)$/) {
			my @all = split /,/, $1;
			$ok = rsp($field | 0x8000, $id, hex $all[$answers++]);
		}
		$ok = flip($ok, $1) if $how =~ /^flip(\d*[13579])$/;
		if ($how eq 'nested') {
			my $n = 800;	# as deep as 16 KiB are
			$ok = rsp(0x8001, $id, 0, pack('vvV', 0, 0x902, 16 * $n) .
			    pack('vvVvvV', 0xFFFE, 0xE000, 0xFFFFFFFF, 0, 0x902,
			    0xFFFFFFFF) x $n);
		}
		if ($how eq 'deep') {
			for (1 .. 20000) {
				print $c pdv($ctx, 1, pack 'vvVvvV', 0, 0x902,
				    0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF);
			}
		}
		if ($how eq 'empty') { print $c pdv($ctx, 1, '') for 1 .. 100000 }
		if ($how eq 'long') { print $c pdv($ctx, 1, 'x' x 1000) for 1 .. 100000 }
		if ($how eq 'huge-pdu') { print $c pack 'CxN', 4, 0xFFFFFFF0; sleep 100 }
		if ($how eq 'pdv-lie') { print $c pack 'CxNNCC', 4, 20, 0xFFFFFF, $ctx,
			3; print $c 'x' x 14; sleep 100 }
		if ($how eq 'data-first') { print $c pdv($ctx, 2, 'xxxxxxxx'); sleep 100 }
		if ($how eq 'release') { print $c pack 'CxNN', 5, 4, 0; sleep 1; return }
		if ($how eq 'unknown-pdu') { print $c pack 'CxN', 99, 4; print $c 'xxxx';
			sleep 100 }
		if ($how eq 'no-set') { $ok = '' }
		if ($how eq 'lies') { $ok = pack 'vvV', 0, 0x100, 0xFFFFFF }
		if ($how =~ /^status([0-9A-F]{4})$/) {
			$ok = rsp($field | 0x8000, $id, hex $1);
		}
		print $c pdv($ctx, 3, $ok);
		print STDERR "asked to commit\n" if $field == 0x130;
		# It commits to all that it is asked for, in another SOP class.
		if ($how eq 'other-class' && $field == 0x130) {
			(our $data) =~ s/\Q1.2.840.10008.5.1.4.1.1\E\K\.7/.2/g;
			print $c event($ctx, 1, $data);
		}
		print $c 'junk' x 100 if $how eq 'junk';
	}
}

serve_all($file, \&serve);
