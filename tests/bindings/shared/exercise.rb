# SPDX-License-Identifier: LGPL-2.1-or-later
# What the Ruby programs share: printing what a call gives, and the record of the binding's methods that were called.
require 'libvirt'

FILES = ENV['BINDINGS_FILES'] # a folder that the daemon sees under the same name
ONE = '11111111-1111-4111-8111-111111111111'
TWO = '22222222-2222-4222-8222-222222222222'
DOMAIN = "<domain type='test'><name>one</name><uuid>#{ONE}</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu>" \
         "<os><type arch='i686'>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest/one'/>" \
         "<target dev='vda' bus='virtio'/></disk></devices></domain>"
# Figures that differ from run to run.
VARYING = %i[cpu_time stateTime time_elapsed].freeze
CLASSES = ObjectSpace.each_object(Class).select { |c| c.name.to_s.start_with?('Libvirt::') }
RECORDS = CLASSES.select { |c| c.name =~ /(Info|info|Stats|Label|Model)$/ }

def text(value)
  case value
  when Hash then '{' + value.map { |k, v| "#{k}=#{text(v)}" }.sort.join(', ') + '}'
  when Array then '[' + value.map { |v| text(v) }.join(', ') + ']'
  else
    return value.inspect unless CLASSES.include?(value.class)
    return value.name if value.respond_to?(:name)
    return value.class.name unless RECORDS.include?(value.class)

    text((value.class.instance_methods(false) - VARYING).to_h { |m| [m, value.send(m)] })
  end
end

def show(name)
  value = yield
  puts "#{name}: #{text(value)}"
  value
rescue Libvirt::Error => e
  puts "#{name}: #{e.class} #{e.libvirt_code} domain #{e.libvirt_component} level #{e.libvirt_level}"
rescue NoMethodError, ArgumentError, TypeError => e
  puts "#{name}: #{e.class}" # the binding's own
end

# Print what a method gives; its result, or nil after an error.
def call(object, method, *words, &block)
  show(method) { object.send(method, *words, &block) }
end

def calls(object, *methods)
  methods.each { |m| call(object, *m) }
end

# Like `call`, for documents: line by line, without those that have one of the words.
def document(object, method, *words, without: /\0/)
  object.send(method, *words).each_line { |line| puts "#{method}| #{line}" unless line =~ without }
rescue Libvirt::Error => e
  puts "#{method}: error #{e.libvirt_code} domain #{e.libvirt_component}"
end

# Keeps the state of the test driver between the parts of a program.
ANCHOR = Libvirt.open(ARGV[0])

# A part with a connection of its own; one that ends early says so and the rest goes on.
def section(name)
  puts "== #{name}"
  conn = Libvirt.open(ARGV[0])
  yield conn
rescue Libvirt::Error, NoMethodError => e
  puts "ended: #{e.class}"
ensure
  conn.close if conn && !conn.closed?
end

CALLED = {}
WATCH = TracePoint.new(:c_call, :call) do |t|
  owner = t.defined_class
  owner = owner.attached_object if owner.respond_to?(:attached_object) && owner.singleton_class?
  owner = ObjectSpace.each_object(t.defined_class).first if owner.singleton_class?
  [t.method_id, t.callee_id].each { |m| CALLED["#{owner}.#{m}"] = true } if owner.to_s.start_with?('Libvirt')
end
WATCH.enable
def record_calls
  WATCH.disable
  offered = ([Libvirt] + CLASSES - RECORDS).flat_map do |c|
    (c.singleton_methods(false) + (c == Libvirt ? [] : c.instance_methods(false))).map { |m| "#{c}.#{m}" }
  end
  File.write("#{FILES}/calls", offered.map { |m| "#{CALLED[m] ? '+' : '-'} #{m}\n" }.join)
end
at_exit { record_calls }
$stdout.sync = true
