# SPDX-License-Identifier: LGPL-2.1-or-later

group filter
  title Network Filter
  order 7

command nwfilter-define
  summary define or change a network filter from an XML file
  todo not written yet
  use xml-file validate

command nwfilter-dumpxml
  summary print a network filter as XML
  todo not written yet
  option nwfilter string positional required complete=nwfilter -- name or UUID of the filter
  use xpath wrap

command nwfilter-edit
  summary change the XML of a network filter in an editor
  todo not written yet
  option nwfilter string positional required complete=nwfilter -- name or UUID of the filter

command nwfilter-list
  summary list network filters
  todo not written yet

command nwfilter-undefine
  summary delete a network filter
  todo not written yet
  option nwfilter string positional required complete=nwfilter -- name or UUID of the filter

command nwfilter-binding-create
  summary bind a filter to a port by XML
  todo not written yet
  use xml-file validate

command nwfilter-binding-delete
  summary delete a filter binding
  todo not written yet
  option binding string positional required complete=binding -- port device of the binding

command nwfilter-binding-dumpxml
  summary print a filter binding as XML
  todo not written yet
  option binding string positional required complete=binding -- port device of the binding
  use xpath wrap

command nwfilter-binding-list
  summary list filter bindings
  todo not written yet
