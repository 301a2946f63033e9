(* SPDX-License-Identifier: LGPL-2.1-or-later
   ocaml-libvirt: exercise.ml URI prints what the library answers. The binding has no snapshots, interfaces, node devices, filters
   and streams, and typed parameters of schedulers and statistics only. Events are in events.ml. *)
open Shared

let network = "<network><name>one</name><uuid>" ^ one ^ "</uuid><forward mode='nat'/><bridge name='virbr7'/><ip address='192.168.77.1' netmask='255.255.255.0'/></network>"
let pool = "<pool type='dir'><name>one</name><uuid>" ^ one ^ "</uuid><target><path>/pool</path></target></pool>"
let volume = "<volume><name>v</name><capacity unit='bytes'>1048576</capacity><target><format type='raw'/></target></volume>"
let secret = "<secret ephemeral='no'><uuid>" ^ one ^ "</uuid><usage type='volume'><volume>/x</volume></usage></secret>"
let disk = "<disk type='file' device='disk'><source file='/guest/two'/><target dev='vdb' bus='virtio'/></disk>"

let typed (name, value) =
  name ^ "=" ^ match value with
  | D.TypedFieldInt32 n | D.TypedFieldUInt32 n -> Int32.to_string n
  | D.TypedFieldInt64 n | D.TypedFieldUInt64 n -> Int64.to_string n
  | D.TypedFieldFloat f -> string_of_float f
  | D.TypedFieldBool b -> string_of_bool b
  | D.TypedFieldString s -> s

let scheduler (name, value) =
  name ^ "=" ^ match value with
  | D.SchedFieldInt32 n | D.SchedFieldUInt32 n -> Int32.to_string n
  | D.SchedFieldInt64 n | D.SchedFieldUInt64 n -> Int64.to_string n
  | D.SchedFieldFloat f -> string_of_float f
  | D.SchedFieldBool b -> string_of_bool b

let state = function
  | D.InfoNoState -> "none" | D.InfoRunning -> "running" | D.InfoBlocked -> "blocked" | D.InfoPaused -> "paused"
  | D.InfoShutdown -> "shutdown" | D.InfoShutoff -> "off" | D.InfoCrashed -> "crashed" | D.InfoPMSuspended -> "suspended"

let info i = Printf.sprintf "%s %Ld %Ld %d" (state i.D.state) i.D.max_mem i.D.memory i.D.nr_virt_cpu

let connection conn =
  string "type" (fun () -> C.get_type conn);
  int "version" (fun () -> C.get_version conn);
  bool "library" (fun () -> fst (Libvirt.get_version ()) >= 9000000);
  int "driver" (fun () -> snd (Libvirt.get_version ~driver:"Test" ()) * 0);
  bool "lengths" (fun () -> Libvirt.uuid_length = 16 && Libvirt.uuid_string_length = 36);
  bool "hostname" (fun () -> C.get_hostname conn <> "");
  bool "uri" (fun () -> C.get_uri conn = uri);
  int "vcpus" (fun () -> C.get_max_vcpus conn ~type_:"test" ());
  document "capabilities" (fun () -> C.get_capabilities conn);
  string "node" (fun () ->
      let i = C.get_node_info conn in
      Printf.sprintf "%s %Ld %d %d %d %d %d %d, %d" i.C.model i.C.memory i.C.cpus i.C.mhz i.C.nodes i.C.sockets i.C.cores i.C.threads (C.maxcpus_of_node_info i));
  int64 "free memory" (fun () -> C.node_get_free_memory conn);
  strings "cells" (fun () -> Array.map Int64.to_string (C.node_get_cells_free_memory conn 0 2));
  string "cpu map" (fun () ->
      let map = Bytes.make (C.cpumaplen 16) '\000' in
      C.use_cpu map 3; C.use_cpu map 9; C.unuse_cpu map 9;
      Printf.sprintf "%s %b %b" (hex (Bytes.to_string map)) (C.cpu_usable map (C.cpumaplen 16) 0 3) (C.cpu_usable map (C.cpumaplen 16) 0 9));
  unit "keep alive" (fun () -> C.set_keep_alive conn (-1) 0);
  string "domain capabilities" (fun () -> C.get_domain_capabilities ~arch:"i686" ~virttype:"test" conn);
  string "alias" (fun () -> C.get_type (C.connect ~name:"bindings" ()));
  string "nonsense" (fun () -> C.get_type (C.connect ~name:"nonsense:///" ()));
  string "read-only" (fun () -> C.get_type (C.const (C.connect_readonly ~name:uri ())))

let credentials _ =
  let file = open_out "/tmp/auth.xml" in
  output_string file "<node><auth><user password='123'>one</user><user>two</user></auth></node>";
  close_out file;
  let name = "test:///tmp/auth.xml" in
  let asked = ref [] in
  let auth user password =
    { C.credtype = [ C.CredentialAuthname; C.CredentialPassphrase ];
      cb = List.map (fun c ->
          asked := (match c.C.typ with C.CredentialAuthname -> "name" | C.CredentialPassphrase -> "password" | _ -> "other") :: !asked;
          Some (if c.C.typ = C.CredentialAuthname then user else password)) } in
  List.iter (fun (what, user, password) ->
      asked := [];
      string what (fun () -> C.get_type (C.connect_auth ~name (auth user password)));
      print_endline ("asked: " ^ String.concat " " (List.rev !asked)))
    [ "right", "one", "123"; "wrong", "one", "124"; "free", "two", ""; "unknown", "three", "" ];
  string "read-only" (fun () -> C.get_type (C.connect_auth_readonly ~name (auth "one" "123")));
  string "without" (fun () -> C.get_type (C.connect ~name ()));
  int "default" (fun () -> List.length (C.get_auth_default ()).C.credtype)

let domains conn =
  strings "ids" (fun () -> Array.map string_of_int (C.list_domains conn 10));
  int "active" (fun () -> C.num_of_domains conn);
  int "defined" (fun () -> C.num_of_defined_domains conn);
  strings "names" (fun () -> C.list_defined_domains conn 10);
  let test = D.lookup_by_name conn "test" in
  string "by id" (fun () -> D.get_name (D.lookup_by_id conn 1));
  string "by uuid" (fun () -> D.get_name (D.lookup_by_uuid conn (D.get_uuid test)));
  string "by text" (fun () -> D.get_name (D.lookup_by_uuid_string conn (D.get_uuid_string test)));
  string "missing" (fun () -> D.get_name (D.lookup_by_name conn "nobody"));
  string "missing id" (fun () -> D.get_name (D.lookup_by_id conn 99));
  let dom = D.define_xml conn domain in
  List.iter (fun (name, step) -> unit name (fun () -> step dom))
    [ "create", D.create; "create", D.create; "suspend", D.suspend; "resume", D.resume; "reboot", D.reboot; "shutdown", D.shutdown;
      "create", D.create; "destroy", D.destroy; "destroy", D.destroy ];
  bool "autostart" (fun () -> D.set_autostart dom true; D.get_autostart dom);
  string "texts" (fun () -> String.concat " " [ hex (D.get_uuid dom); D.get_uuid_string dom; D.get_os_type dom; D.get_name (D.const dom) ]);
  unit "undefine" (fun () -> D.undefine dom);
  unit "free" (fun () -> D.free dom);
  unit "linux" (fun () -> D.destroy (D.create_linux conn domain));
  unit "transient" (fun () -> D.destroy (D.create_xml conn domain [ D.START_AUTODESTROY ]));
  int "id" (fun () -> D.get_id test);
  string "info" (fun () -> info (D.get_info test));
  document "xml" (fun () -> D.get_xml_desc test);
  string "inactive xml" (fun () -> List.hd (String.split_on_char '\n' (D.get_xml_desc_flags test [ D.XmlInactive ])));
  int64 "max memory" (fun () -> D.get_max_memory test);
  unit "set memory" (fun () -> D.set_memory test 1048576L);
  unit "set max memory" (fun () -> D.set_max_memory test 8388608L);
  int "max vcpus" (fun () -> D.get_max_vcpus test);
  unit "set vcpus" (fun () -> D.set_vcpus test 2);
  unit "pin" (fun () -> D.pin_vcpu test 0 "\001\000");
  string "vcpus" (fun () ->
      let n, infos, maps = D.get_vcpus test 2 2 in
      Printf.sprintf "%d %s %s" n (hex maps) (String.concat " " (Array.to_list (Array.map (fun v -> Printf.sprintf "%d/%d" v.D.number v.D.cpu) infos))));
  string "cpu stats" (fun () -> String.concat " " (List.map (fun list -> String.concat "," (List.map fst list)) (Array.to_list (D.get_cpu_stats test))));
  string "scheduler" (fun () -> let name, n = D.get_scheduler_type test in Printf.sprintf "%s %d" name n);
  strings "scheduler parameters" (fun () -> Array.map scheduler (D.get_scheduler_parameters test 1));
  unit "set scheduler" (fun () -> D.set_scheduler_parameters test [| "weight", D.SchedFieldUInt32 60l |]);
  unit "set bad scheduler" (fun () -> D.set_scheduler_parameters test [| "nonsense", D.SchedFieldUInt32 60l |]);
  strings "lists" (fun () -> Array.of_list (List.map D.get_name (D.get_domains conn [ D.ListAll ])));
  strings "list and infos" (fun () -> Array.of_list (List.map (fun (d, i) -> D.get_name d ^ " " ^ state i.D.state) (D.get_domains_and_infos conn [ D.ListActive; D.ListInactive ])));
  strings "stats" (fun () -> Array.map (fun r -> String.concat " " (Array.to_list (Array.map typed r.D.params))) (D.get_all_domain_stats conn [ D.StatsState ] [ D.GetAllDomainsStatsActive ]));
  int "ignoring errors" (fun () -> List.length (Libvirt.map_ignore_errors (fun name -> D.lookup_by_name conn name) [ "test"; "nobody" ]))

let devices conn =
  let test = D.lookup_by_name conn "test" in
  bool "block stats" (fun () -> (D.block_stats test "vda").D.rd_req >= 0L);
  bool "block stats of nothing" (fun () -> (D.block_stats test "vdz").D.rd_req >= 0L);
  bool "interface stats" (fun () -> (D.interface_stats test "testnet0").D.rx_bytes >= 0L);
  bool "interface stats of nothing" (fun () -> (D.interface_stats test "net9").D.rx_bytes >= 0L);
  let buffer = Bytes.unsafe_to_string (Bytes.make 10 '\255') in
  string "block peek" (fun () -> D.block_peek test "vda" 0L 10 buffer 0; hex buffer);
  string "memory peek" (fun () -> D.memory_peek test [ D.Virtual ] 0L 10 buffer 0; hex buffer);
  int "most to peek" (fun () -> D.max_peek test);
  unit "attach" (fun () -> D.attach_device test disk);
  unit "detach" (fun () -> D.detach_device test disk);
  string "migrate" (fun () -> D.get_name (D.migrate test anchor [ D.Live ] ~dname:"x" ()))

let images conn =
  let test = D.lookup_by_name conn "test" in
  unit "save" (fun () -> D.save test (files ^ "/image"));
  unit "restore" (fun () -> D.restore conn (files ^ "/image"));
  unit "restore nothing" (fun () -> D.restore conn (files ^ "/nothing"));
  unit "dump" (fun () -> D.core_dump test (files ^ "/core"))

let networks conn =
  int "active" (fun () -> C.num_of_networks conn);
  strings "active" (fun () -> C.list_networks conn 10);
  int "defined" (fun () -> C.num_of_defined_networks conn);
  strings "defined" (fun () -> C.list_defined_networks conn 10);
  let net = N.define_xml conn network in
  unit "create" (fun () -> N.create net);
  unit "create" (fun () -> N.create net);
  bool "autostart" (fun () -> N.set_autostart net true; N.get_autostart net);
  string "texts" (fun () -> String.concat " " [ N.get_name (N.const net); hex (N.get_uuid net); N.get_uuid_string net; N.get_bridge_name net ]);
  document "xml" (fun () -> N.get_xml_desc net);
  string "by uuid" (fun () -> N.get_name (N.lookup_by_uuid conn (N.get_uuid net)));
  string "by text" (fun () -> N.get_name (N.lookup_by_uuid_string conn one));
  string "missing" (fun () -> N.get_name (N.lookup_by_name conn "nowhere"));
  List.iter (fun (name, step) -> unit name (fun () -> step net)) [ "destroy", N.destroy; "undefine", N.undefine; "free", N.free ];
  unit "transient" (fun () -> N.destroy (N.create_xml conn network))

let storage conn =
  int "active" (fun () -> C.num_of_pools conn);
  strings "active" (fun () -> C.list_pools conn 10);
  int "defined" (fun () -> C.num_of_defined_pools conn);
  strings "defined" (fun () -> C.list_defined_pools conn 10);
  let rw = P.define_xml conn pool in
  let p = P.const rw in
  unit "build" (fun () -> P.build rw P.New);
  unit "create" (fun () -> P.create rw);
  unit "create" (fun () -> P.create rw);
  unit "refresh" (fun () -> P.refresh p);
  bool "autostart" (fun () -> P.set_autostart rw true; P.get_autostart p);
  string "texts" (fun () -> String.concat " " [ P.get_name p; hex (P.get_uuid p); P.get_uuid_string p ]);
  string "info" (fun () ->
      let i = P.get_info p in
      Printf.sprintf "%s %Ld %Ld %Ld" (if i.P.state = P.Running then "running" else "other") i.P.capacity i.P.allocation i.P.available);
  document "xml" (fun () -> P.get_xml_desc p);
  string "by uuid" (fun () -> P.get_name (P.const (P.lookup_by_uuid conn (P.get_uuid p))));
  string "by text" (fun () -> P.get_name (P.const (P.lookup_by_uuid_string conn one)));
  string "missing" (fun () -> P.get_name (P.const (P.lookup_by_name conn "nothing")));
  unit "create volume" (fun () -> V.create_xml rw volume);
  unit "create volume" (fun () -> V.create_xml rw volume);
  int "volumes" (fun () -> P.num_of_volumes p);
  strings "volumes" (fun () -> P.list_volumes p 10);
  let vw = V.lookup_by_name rw "v" in
  let v = V.const vw in
  string "texts" (fun () -> String.concat " " [ V.get_name v; V.get_key v; V.get_path v; P.get_name (P.const (V.pool_of_volume vw)) ]);
  string "by key" (fun () -> V.get_name (V.const (V.lookup_by_key conn (V.get_key v))));
  string "by path" (fun () -> V.get_name (V.const (V.lookup_by_path conn (V.get_path v))));
  string "missing" (fun () -> V.get_name (V.const (V.lookup_by_path conn "/nowhere")));
  string "info" (fun () -> let i = V.get_info v in Printf.sprintf "%b %Ld %Ld" (i.V.typ = V.File) i.V.capacity i.V.allocation);
  document "xml" ~without:"time" (fun () -> V.get_xml_desc v);
  unit "delete" (fun () -> V.delete vw V.Normal);
  unit "free" (fun () -> V.free vw);
  List.iter (fun (name, step) -> unit name (fun () -> step rw)) [ "destroy", P.destroy; "delete", P.delete; "undefine", P.undefine; "free", P.free ];
  unit "transient" (fun () -> P.destroy (P.create_xml conn pool))

let secrets conn =
  int "number" (fun () -> C.num_of_secrets conn);
  strings "list" (fun () -> C.list_secrets conn 10);
  string "missing" (fun () -> S.get_uuid_string (S.lookup_by_uuid_string conn one));
  string "missing usage" (fun () -> S.get_uuid_string (S.lookup_by_usage conn S.Volume "/x"));
  let s = some (show "define" S.get_uuid_string (fun () -> S.define_xml conn secret)) in
  string "texts" (fun () -> String.concat " " [ hex (S.get_uuid (S.const s)); S.get_usage_id s; string_of_bool (S.get_usage_type s = S.Volume) ]);
  string "by uuid" (fun () -> S.get_uuid_string (S.lookup_by_uuid conn (S.get_uuid s)));
  document "xml" (fun () -> S.get_xml_desc s);
  string "no value" (fun () -> Bytes.to_string (S.get_value s));
  string "value" (fun () -> S.set_value s (Bytes.of_string "abc"); Bytes.to_string (S.get_value s));
  unit "undefine" (fun () -> S.undefine s);
  unit "free" (fun () -> S.free s)

let errors conn =
  let text = function Some e -> failure e | None -> "none" in
  string "missing" (fun () -> D.get_name (D.lookup_by_name conn "nobody"));
  ignore (show "last" text Err.get_last_error);
  Err.reset_last_error ();
  Err.reset_last_conn_error conn;
  ignore (show "after" text Err.get_last_error);
  bool "text" (fun () -> contains (Err.to_string (Err.no_error ())) "VIR_ERR_OK")

let () =
  List.iter (fun (name, part) -> section name part)
    [ "connection", connection; "credentials", credentials; "domains", domains; "devices", devices; "images", images; "networks", networks;
      "storage", storage; "secrets", secrets; "errors", errors ]
