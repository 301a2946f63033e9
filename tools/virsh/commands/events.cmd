# SPDX-License-Identifier: LGPL-2.1-or-later

group events
  title Domain Events
  order 3

command event
  summary list kinds of events, or wait for domain events
  handler cmd_event
  json event
  option domain string also-positional complete=domain -- only events of this domain (name, ID or UUID)
  option event string also-positional complete=event-domain -- kind of event to wait for
  option all bool -- all kinds of events
  option loop bool -- go on after the first event
  option timeout int also-positional -- seconds after which to give up
  option list bool -- list the kinds of events
  option timestamp bool -- show the time of each event

command await
  summary wait until a domain meets a condition
  text Conditions are domain-inactive and guest-agent-available.
  handler cmd_await
  use domain
  option condition string required values=domain-inactive,guest-agent-available -- what to wait for
  option timeout int -- seconds after which to give up
