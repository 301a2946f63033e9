#!/usr/bin/ruby
# SPDX-License-Identifier: LGPL-2.1-or-later
# ruby-libvirt's events: callbacks of every type that the binding has, over an event loop of the program's own (the binding has
# no default one), and a stream that is read by that loop.
#
# Habits of the binding shape it. What it wraps for a callback it frees once more than it should when it is collected, and what it
# keeps for a callback nobody holds: so nothing is collected. A handle's opaque is freed while the handle is being removed, which
# Debian's library answers by waiting for itself: so connections to a daemon stay open.
require_relative '../shared/exercise'

WAIT_SECONDS = 10
GC.disable

# An event loop over IO.select, as the binding wants it: six methods, which keep what they are given.
class Loop
  Watch = Struct.new(:fd, :events, :opaque)
  Timer = Struct.new(:interval, :due, :opaque)
  attr_reader :made

  def initialize
    @watches = {}
    @timers = {}
    @made = 0
    # The library adds to it from whatever thread it likes, but Ruby's lock lets one at a time in.
    Libvirt.event_register_impl(method(:add_handle).to_proc, method(:update_handle).to_proc, method(:remove_handle).to_proc,
                                method(:add_timer).to_proc, method(:update_timer).to_proc, method(:remove_timer).to_proc)
  end

  def add_handle(fd, events, opaque)
    @watches[@made += 1] = Watch.new(fd, events, opaque)
    @made
  end

  def update_handle(id, events)
    @watches[id].events = events
  end

  def remove_handle(id)
    @watches.delete(id).opaque
  end

  def add_timer(interval, opaque)
    @timers[@made += 1] = Timer.new(interval, nil, opaque)
    update_timer(@made, interval)
    @made
  end

  def update_timer(id, interval)
    @timers[id].interval = interval
    @timers[id].due = interval.negative? ? nil : now + interval / 1000.0
  end

  def remove_timer(id)
    @timers.delete(id).opaque
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def turn
    wanted = ->(bit) { @watches.values.select { |w| (w.events & bit) != 0 }.map { |w| IO.for_fd(w.fd, autoclose: false) }.uniq(&:fileno) }
    ready = IO.select(wanted.call(Libvirt::EVENT_HANDLE_READABLE), wanted.call(Libvirt::EVENT_HANDLE_WRITABLE), [], 0.02) || [[], []]
    readable, writable = ready.first(2).map { |list| list.map(&:fileno) }
    @watches.to_a.each do |id, watch|
      events = (readable.include?(watch.fd) ? Libvirt::EVENT_HANDLE_READABLE : 0) | (writable.include?(watch.fd) ? Libvirt::EVENT_HANDLE_WRITABLE : 0)
      events &= watch.events
      Libvirt.event_invoke_handle_callback(id, watch.fd, events, watch.opaque) if events != 0 && @watches[id]
    end
    @timers.to_a.each do |id, timer|
      next unless timer.due && timer.due <= now && @timers[id]

      update_timer(id, timer.interval)
      Libvirt.event_invoke_timeout_callback(id, timer.opaque)
    end
  end

  def run_until
    limit = now + WAIT_SECONDS
    turn until yield || now > limit
    yield
  end
end

puts '== no loop'
show('register') { Libvirt.event_register_impl(1, 2, 3, 4, 5, 6) }
LOOP = Loop.new
EVENTS = Libvirt::Connect.constants.grep(/^DOMAIN_EVENT_ID_/).sort

# A part with a connection of its own that stays open.
def part(name)
  puts "== #{name}"
  yield Libvirt.open(ARGV[0])
end

def named_lifecycle(_conn, dom, event, detail, opaque)
  $named << [dom.name, event, detail, opaque]
end

part 'refused' do |conn|
  calls conn, [:domain_event_register_any, Libvirt::Connect::DOMAIN_EVENT_ID_LIFECYCLE, 5], [:domain_event_deregister_any, 77],
        [:domain_event_register_any, 77, proc {}]
end

part 'events' do |conn|
  seen = []
  ids = EVENTS.to_h do |name|
    [name, call(conn, :domain_event_register_any, Libvirt::Connect.const_get(name),
                proc { |_, dom, *rest| seen << [name, dom.name, *rest] }, nil, 'opaque')]
  end
  one = conn.define_domain_xml(DOMAIN)
  calls one, :create, :suspend, :resume, :reboot, :shutdown, :create, :destroy
  test = conn.lookup_domain_by_name('test')
  calls test, :managed_save, :create, [:snapshot_create_xml, '<domainsnapshot><name>s</name></domainsnapshot>'], :suspend
  calls test, [:revert_to_snapshot, test.lookup_snapshot_by_name('s')]
  one.undefine
  done = [:DOMAIN_EVENT_ID_LIFECYCLE, 'one', Libvirt::Connect::DOMAIN_EVENT_UNDEFINED]
  puts "all came: #{LOOP.run_until { seen.any? { |e| e[0, 3] == done } }}"
  seen.each { |e| puts e.inspect }
  ids.each { |name, id| show("deregister #{name}") { conn.domain_event_deregister_any(id) } if id }
  show('deregister again') { conn.domain_event_deregister_any(ids.values.first) }
  seen.clear
  calls test, :suspend, :resume
  conn.domain_event_register_any(Libvirt::Connect::DOMAIN_EVENT_ID_LIFECYCLE, proc { |_, dom, *rest| seen << [dom.name, *rest] }, test)
  conn.define_domain_xml(DOMAIN).undefine
  calls test, :suspend
  puts "one domain only: #{LOOP.run_until { seen.any? }} #{seen}"
end

part 'old style' do |conn|
  $named = []
  show('register') { conn.domain_event_register(:named_lifecycle, 'opaque') }
  conn.define_domain_xml(DOMAIN).undefine
  puts "by symbol: #{LOOP.run_until { $named.length == 2 }} #{$named}"
  show('deregister') { conn.domain_event_deregister(:named_lifecycle) }
end

part 'stream' do |conn|
  stream = conn.stream(Libvirt::Stream::NONBLOCK)
  show('kind') { conn.lookup_domain_by_name('test').screenshot(stream, 0) }
  got = +''
  ended = false
  events = []
  ready = proc do |_, event, opaque|
    events |= [event & Libvirt::Stream::EVENT_READABLE, opaque]
    count, data = stream.recv(4096)
    got << data if count.positive?
    ended = count.zero?
  end
  show('add') { stream.event_add_callback(Libvirt::Stream::EVENT_READABLE, ready, 'opaque') }
  show('add twice') { stream.event_add_callback(Libvirt::Stream::EVENT_READABLE, ready, 'opaque') }
  show('update') { stream.event_update_callback(Libvirt::Stream::EVENT_READABLE) }
  puts "read: #{LOOP.run_until { ended }} #{got[1, 3]} #{events}"
  show('remove') { stream.event_remove_callback }
  show('remove twice') { stream.event_remove_callback }
  show('finish') { stream.finish }
end
record_calls
exit!(true)
