(* SPDX-License-Identifier: LGPL-2.1-or-later
   ocaml-libvirt: exercise.ml URI prints what the library answers. *)
module C = Libvirt.Connect
module D = Libvirt.Domain
module N = Libvirt.Network

let show name call =
  match call () with
  | text -> Printf.printf "%s: %s\n" name text
  | exception Libvirt.Virterror e -> Printf.printf "%s: %s\n" name (Libvirt.Virterror.to_string e)
  | exception Libvirt.Not_supported call -> Printf.printf "%s: no %s\n" name call

let domain =
  "<domain type='test'><name>one</name><uuid>11111111-1111-4111-8111-111111111111</uuid><memory unit='MiB'>64</memory>"
  ^ "<vcpu>1</vcpu><os><type arch='i686'>hvm</type></os></domain>"

let () =
  print_endline "== connection";
  let conn = C.connect ~name:Sys.argv.(1) () in
  show "type" (fun () -> C.get_type conn);
  show "domains" (fun () -> string_of_int (C.num_of_domains conn));
  show "node" (fun () -> let i = C.get_node_info conn in Printf.sprintf "%s %Ld %d" i.C.model i.C.memory i.C.cpus);
  print_endline "== domains";
  let test = D.lookup_by_name conn "test" in
  show "id" (fun () -> string_of_int (D.get_id test));
  show "memory" (fun () -> Int64.to_string (D.get_max_memory test));
  let one = D.define_xml conn domain in
  show "uuid" (fun () -> D.get_uuid_string one);
  List.iter (fun (name, step) -> show name (fun () -> step one; "done"))
    [ "create", D.create; "suspend", D.suspend; "resume", D.resume; "destroy", D.destroy; "undefine", D.undefine ];
  print_endline "== networks";
  show "default" (fun () -> N.get_name (N.lookup_by_name conn "default"));
  show "bridge" (fun () -> N.get_bridge_name (N.lookup_by_name conn "default"))
