# SPDX-License-Identifier: LGPL-2.1-or-later

group filter
  title Network Filter
  order 7

command nwfilter-define
  summary define or change a network filter from an XML file
  make nwfilter virNWFilterDefineXML virNWFilterDefineXMLFlags
  done Network filter %s defined from %s
  fail Failed to define network filter from %s
  use xml-file validate
  flag validate VIR_NWFILTER_DEFINE_VALIDATE
  use compare
  exclusive check diff

command nwfilter-dumpxml
  summary print a network filter as XML
  dump nwfilter virNWFilterGetXMLDesc
  option nwfilter string positional required complete=nwfilter -- name or UUID of the filter
  use xpath wrap

command nwfilter-edit
  summary change the XML of a network filter in an editor
  edit nwfilter virNWFilterGetXMLDesc virNWFilterDefineXMLFlags:VIR_NWFILTER_DEFINE_VALIDATE virNWFilterDefineXML
  option nwfilter string positional required complete=nwfilter -- name or UUID of the filter

command nwfilter-list
  summary list network filters
  handler cmd_nwfilter_list
  json filter-list

command nwfilter-undefine
  summary delete a network filter
  act nwfilter virNWFilterUndefine
  done Network filter %s undefined
  fail Failed to undefine network filter %s
  option nwfilter string positional required complete=nwfilter -- name or UUID of the filter

command nwfilter-binding-create
  summary bind a filter to a port by XML
  make binding virNWFilterBindingCreateXML flags
  done Network filter binding on %s created from %s
  fail Failed to create network filter from %s
  use xml-file validate
  flag validate VIR_NWFILTER_BINDING_CREATE_VALIDATE

command nwfilter-binding-delete
  summary delete a filter binding
  act binding virNWFilterBindingDelete
  done Network filter binding on %s deleted
  fail Failed to delete network filter binding on %s
  option binding string positional required complete=binding -- port device of the binding

command nwfilter-binding-dumpxml
  summary print a filter binding as XML
  dump binding virNWFilterBindingGetXMLDesc
  option binding string positional required complete=binding -- port device of the binding
  use xpath wrap

command nwfilter-binding-list
  summary list filter bindings
  handler cmd_nwfilter_binding_list
  json binding-list
