# U-Boot's script, the same on the Pi (mmc) and on QEMU's virt machine (virtio).
#
# Which slot: BOOT_ORDER, BOOT_A_LEFT and BOOT_B_LEFT, which RAUC's backend `uboot` writes too (fw_setenv). They lie in one
# checksummed block of 16 KiB, 512 KiB from the start of the disk. All that changes lies in its first sector, so a power
# cut leaves the old or the new state. A block that cannot be read is the same as "A, then B, three tries each".
#
# Where things go in memory: beyond what U-Boot itself and the kernel, unpacked at kernel_addr_r, need.
setexpr packed_addr ${kernel_addr_r} + 0x04000000
setexpr initrd_addr ${kernel_addr_r} + 0x09000000
setexpr state_addr ${kernel_addr_r} + 0x0a000000

${devtype} dev ${devnum}
if ${devtype} read ${state_addr} 0x400 0x20; then
  env import -c ${state_addr} 0x4000 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT extra
fi
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

setenv slot
for s in ${BOOT_ORDER}; do
  if test -z "${slot}" -a "${s}" = "A" -a 0x${BOOT_A_LEFT} -gt 0; then
    setenv slot A
    setenv bootpart 2
    setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
  fi
  if test -z "${slot}" -a "${s}" = "B" -a 0x${BOOT_B_LEFT} -gt 0; then
    setenv slot B
    setenv bootpart 3
    setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
  fi
done
if test -z "${slot}"; then
  echo "boothcast: no slot has a try left: both get three again"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
fi
env export -c -s 0x4000 ${state_addr} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT extra
${devtype} write ${state_addr} 0x400 0x20
if test -z "${slot}"; then
  reset
fi

setenv console @CONSOLE@
if test "${devtype}" = "virtio"; then
  setenv console ttyAMA0
fi
setenv bootargs "console=${console} rauc.slot=${slot} panic=10 oops=panic quiet logo.nologo vt.global_cursor_default=0 ${extra}"
echo "boothcast: slot ${slot}, tries left A=${BOOT_A_LEFT} B=${BOOT_B_LEFT}"
setenv kernel_comp_addr_r ${kernel_addr_r}
if load ${devtype} ${devnum}:${bootpart} ${packed_addr} Image.gz; then
  setenv kernel_comp_size ${filesize}
  if load ${devtype} ${devnum}:${bootpart} ${initrd_addr} initramfs.img; then
    usb stop
    booti ${packed_addr} ${initrd_addr}:${filesize} ${fdt_addr}
  fi
fi
echo "boothcast: slot ${slot} does not start"
sleep 1
reset
