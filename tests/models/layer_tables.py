"""Layer tables of the architectures, one string each, and their exact counts; `layer_counter` executes them.

One line is one network. Tokens: `in C H`; `c<out>k<k>[s][p][g][nb]` convolution (nb = no bias); `mp/ap<k>s<s>[p][ceil]` pooling; `gap`;
`flat`; `fc<out>`; `bn relu sig tanh lrn do`. Macros: `inc(c1,c3r,c3,c5r,c5,pp)` inception; `fire(s,e1,e3)`;
`ds(out,s)` separable block; `bb(c,s,A|B|C|plain)` basic block; `bot(mid,s,v15,groups,out,short)` bottleneck.
`network_families` has the networks that are a rule.
"""

# ruff: noqa: E501

LAYER_TABLES = """
lenet_d2l: in 1 28 c6k5p2 sig ap2s2 c16k5 sig ap2s2 flat fc120 sig fc84 sig fc10
alexnet_onetower_seed2: in 3 227 c96k11s4 relu mp3s2 lrn c256k5p2 relu mp3s2 lrn c384k3p1 relu c384k3p1 relu c256k3p1 relu mp3s2 flat fc4096 relu do fc4096 relu do fc1000
alexnet_twostream_2012: in 3 227 c96k11s4 relu lrn mp3s2 c256k5p2g2 relu lrn mp3s2 c384k3p1 relu c384k3p1g2 relu c256k3p1g2 relu mp3s2 flat fc4096 relu do fc4096 relu do fc1000
alexnet_d2l_fashion: in 1 224 c96k11s4p1 relu mp3s2 c256k5p2 relu mp3s2 c384k3p1 relu c384k3p1 relu c256k3p1 relu mp3s2 flat fc4096 relu do fc4096 relu do fc10
alexnet_torchvision: in 3 224 c64k11s4p2 relu mp3s2 c192k5p2 relu mp3s2 c384k3p1 relu c256k3p1 relu c256k3p1 relu mp3s2 flat do fc4096 relu do fc4096 relu fc1000
zfnet_paper: in 3 224 c96k7s2p1 relu mp3s2ceil c256k5s2 relu mp3s2ceil c384k3p1 relu c384k3p1 relu c256k3p1 relu mp3s2 flat fc4096 relu do fc4096 relu do fc1000
zfnet_seed2_512_1024_512: in 3 224 c96k7s2p1 relu mp3s2ceil c256k5s2 relu mp3s2ceil c512k3p1 relu c1024k3p1 relu c512k3p1 relu mp3s2 flat fc4096 relu do fc4096 relu do fc1000
vgg_A: in 3 224 c64k3p1 relu mp2s2 c128k3p1 relu mp2s2 c256k3p1 relu c256k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu mp2s2 flat fc4096 relu do fc4096 relu do fc1000
vgg_A_LRN: in 3 224 c64k3p1 relu lrn mp2s2 c128k3p1 relu mp2s2 c256k3p1 relu c256k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu mp2s2 flat fc4096 relu do fc4096 relu do fc1000
vgg_B: in 3 224 c64k3p1 relu c64k3p1 relu mp2s2 c128k3p1 relu c128k3p1 relu mp2s2 c256k3p1 relu c256k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu mp2s2 flat fc4096 relu do fc4096 relu do fc1000
vgg_C: in 3 224 c64k3p1 relu c64k3p1 relu mp2s2 c128k3p1 relu c128k3p1 relu mp2s2 c256k3p1 relu c256k3p1 relu c256k1 relu mp2s2 c512k3p1 relu c512k3p1 relu c512k1 relu mp2s2 c512k3p1 relu c512k3p1 relu c512k1 relu mp2s2 flat fc4096 relu do fc4096 relu do fc1000
vgg_D: in 3 224 c64k3p1 relu c64k3p1 relu mp2s2 c128k3p1 relu c128k3p1 relu mp2s2 c256k3p1 relu c256k3p1 relu c256k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu c512k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu c512k3p1 relu mp2s2 flat fc4096 relu do fc4096 relu do fc1000
vgg_E: in 3 224 c64k3p1 relu c64k3p1 relu mp2s2 c128k3p1 relu c128k3p1 relu mp2s2 c256k3p1 relu c256k3p1 relu c256k3p1 relu c256k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu c512k3p1 relu c512k3p1 relu mp2s2 c512k3p1 relu c512k3p1 relu c512k3p1 relu c512k3p1 relu mp2s2 flat fc4096 relu do fc4096 relu do fc1000
nin_d2l_fashion: in 1 224 c96k11s4p0 relu c96k1 relu c96k1 relu mp3s2 c256k5s1p2 relu c256k1 relu c256k1 relu mp3s2 c384k3s1p1 relu c384k1 relu c384k1 relu mp3s2 do c10k3s1p1 relu c10k1 relu c10k1 relu gap
nin_imagenet_caffe: in 3 224 c96k11s4p0 relu c96k1 relu c96k1 relu mp3s2ceil c256k5s1p2 relu c256k1 relu c256k1 relu mp3s2ceil c384k3s1p1 relu c384k1 relu c384k1 relu mp3s2ceil do c1024k3p1 relu c1024k1 relu c1000k1 relu gap
nin_cifar10: in 3 32 c192k5p2 relu c160k1 relu c96k1 relu mp3s2ceil do c192k5p2 relu c192k1 relu c192k1 relu ap3s2ceil do c192k3p1 relu c192k1 relu c10k1 relu gap
googlenet: in 3 224 c64k7s2p3 relu mp3s2ceil lrn c64k1 relu c192k3p1 relu lrn mp3s2ceil inc(64,96,128,16,32,32) inc(128,128,192,32,96,64) mp3s2ceil inc(192,96,208,16,48,64) inc(160,112,224,24,64,64) inc(128,128,256,24,64,64) inc(112,144,288,32,64,64) inc(256,160,320,32,128,128) mp3s2ceil inc(256,160,320,32,128,128) inc(384,192,384,48,128,128) gap do fc1000
googlenet_aux_a: in 512 14 ap5s3 c128k1 relu flat fc1024 relu do fc1000
googlenet_aux_b: in 528 14 ap5s3 c128k1 relu flat fc1024 relu do fc1000
squeezenet1_0_caffe: in 3 227 c96k7s2 relu mp3s2ceil fire(16,64,64) fire(16,64,64) fire(32,128,128) mp3s2ceil fire(32,128,128) fire(48,192,192) fire(48,192,192) fire(64,256,256) mp3s2ceil fire(64,256,256) do c1000k1p1 relu gap
squeezenet1_1_caffe: in 3 227 c64k3s2 relu mp3s2ceil fire(16,64,64) fire(16,64,64) mp3s2ceil fire(32,128,128) fire(32,128,128) mp3s2ceil fire(48,192,192) fire(48,192,192) fire(64,256,256) fire(64,256,256) do c1000k1 relu gap
mobilenet_1_224: in 3 224 c32k3s2p1nb bn relu ds(64,1) ds(128,2) ds(128,1) ds(256,2) ds(256,1) ds(512,2) ds(512,1) ds(512,1) ds(512,1) ds(512,1) ds(512,1) ds(1024,2) ds(1024,1) gap fc1000
resnet18: in 3 224 c64k7s2p3nb bn relu mp3s2p1 bb(64,1,B) bb(64,1,B) bb(128,2,B) bb(128,1,B) bb(256,2,B) bb(256,1,B) bb(512,2,B) bb(512,1,B) gap fc1000
resnet18_optA: in 3 224 c64k7s2p3nb bn relu mp3s2p1 bb(64,1,A) bb(64,1,A) bb(128,2,A) bb(128,1,A) bb(256,2,A) bb(256,1,A) bb(512,2,A) bb(512,1,A) gap fc1000
resnet50_v1: in 3 224 c64k7s2p3nb bn relu mp3s2p1 bot(64,1,0,1,256,B) bot(64,1,0,1,256,B) bot(64,1,0,1,256,B) bot(128,2,0,1,512,B) bot(128,1,0,1,512,B) bot(128,1,0,1,512,B) bot(128,1,0,1,512,B) bot(256,2,0,1,1024,B) bot(256,1,0,1,1024,B) bot(256,1,0,1,1024,B) bot(256,1,0,1,1024,B) bot(256,1,0,1,1024,B) bot(256,1,0,1,1024,B) bot(512,2,0,1,2048,B) bot(512,1,0,1,2048,B) bot(512,1,0,1,2048,B) gap fc1000
resnet50_v15: in 3 224 c64k7s2p3nb bn relu mp3s2p1 bot(64,1,1,1,256,B) bot(64,1,1,1,256,B) bot(64,1,1,1,256,B) bot(128,2,1,1,512,B) bot(128,1,1,1,512,B) bot(128,1,1,1,512,B) bot(128,1,1,1,512,B) bot(256,2,1,1,1024,B) bot(256,1,1,1,1024,B) bot(256,1,1,1,1024,B) bot(256,1,1,1,1024,B) bot(256,1,1,1,1024,B) bot(256,1,1,1,1024,B) bot(512,2,1,1,2048,B) bot(512,1,1,1,2048,B) bot(512,1,1,1,2048,B) gap fc1000
resnext50_32x4d: in 3 224 c64k7s2p3nb bn relu mp3s2p1 bot(128,1,1,32,256,B) bot(128,1,1,32,256,B) bot(128,1,1,32,256,B) bot(256,2,1,32,512,B) bot(256,1,1,32,512,B) bot(256,1,1,32,512,B) bot(256,1,1,32,512,B) bot(512,2,1,32,1024,B) bot(512,1,1,32,1024,B) bot(512,1,1,32,1024,B) bot(512,1,1,32,1024,B) bot(512,1,1,32,1024,B) bot(512,1,1,32,1024,B) bot(1024,2,1,32,2048,B) bot(1024,1,1,32,2048,B) bot(1024,1,1,32,2048,B) gap fc1000
resnet20_cifar_A: in 3 32 c16k3p1nb bn relu bb(16,1,A) bb(16,1,A) bb(16,1,A) bb(32,2,A) bb(32,1,A) bb(32,1,A) bb(64,2,A) bb(64,1,A) bb(64,1,A) gap fc10
"""

# key: parameters, weights, biases, BatchNorm's scales and shifts, mult-adds, receptive field (least-greatest).
COUNTS = """
lenet5_1998 60,000 59,752 248 0 325,680 32
lenet_d2l 61,706 61,470 236 0 416,520 16
alexnet_onetower_seed2 62,378,344 62,367,776 10,568 0 1,135,256,096 195
alexnet_twostream_2012 60,965,224 60,954,656 10,568 0 724,406,816 195
alexnet_d2l_fashion 46,764,746 46,755,168 9,578 0 938,146,176 195
alexnet_d2l_rgb1000 50,844,008 50,833,440 10,568 0 1,009,945,728 195
alexnet_torchvision 61,100,840 61,090,496 10,344 0 714,188,480 195
zfnet_paper 62,357,608 62,347,040 10,568 0 1,168,032,896 171
zfnet_seed2_512_1024_512 107,627,624 107,616,032 11,592 0 2,476,704,896 171
nin_d2l_fashion 1,992,166 1,989,928 2,238 0 762,297,352 195
nin_imagenet_caffe 7,595,176 7,589,920 5,256 0 1,100,188,800 195
nin_cifar10 966,986 965,568 1,418 0 222,486,528 27
vgg_A 132,863,336 132,851,392 11,944 0 7,609,090,048 150
vgg_A_LRN 132,863,336 132,851,392 11,944 0 7,609,090,048 150
vgg_B 133,047,848 133,035,712 12,136 0 11,308,466,176 156
vgg_C 133,638,952 133,625,536 13,416 0 11,770,888,192 156
vgg_D 138,357,544 138,344,128 13,416 0 15,470,264,320 212
vgg_E 143,667,240 143,652,544 14,696 0 19,632,062,464 268
vgg11_d2l_fashion 128,806,154 128,795,200 10,954 0 7,547,232,256 150
googlenet 6,998,552 6,990,272 8,280 0 1,582,671,872 715
googlenet_aux_a 3,188,840 3,186,688 2,152 0 4,169,728 5
googlenet_aux_b 3,190,888 3,188,736 2,152 0 4,202,496 5
googlenet_tv_noaux 6,624,904 6,609,344 1,000 14,560 1,498,376,192 379
googlenet_d2l_fashion 5,977,530 5,970,240 7,290 0 276,066,304 715
resnet18 11,689,512 11,678,912 1,000 9,600 1,814,073,344 435
resnet18_optA 11,515,688 11,506,880 1,000 7,808 1,794,805,760 435
resnet18_optC 12,043,816 12,031,168 1,000 11,648 1,878,298,624 435
plain18 11,515,688 11,506,880 1,000 7,808 1,794,805,760 435
resnet34 21,797,672 21,779,648 1,000 17,024 3,663,761,408 899
resnet34_optA 21,623,848 21,607,616 1,000 15,232 3,644,493,824 899
resnet34_optC 22,716,840 22,693,056 1,000 22,784 3,830,747,136 899
plain34 21,623,848 21,607,616 1,000 15,232 3,644,493,824 899
resnet50_v1 25,557,032 25,502,912 1,000 53,120 3,857,973,248 483
resnet50_v15 25,557,032 25,502,912 1,000 53,120 4,089,184,256 427
plain50_bottleneck_v1 22,780,456 22,734,016 1,000 45,440 3,498,311,680 483
resnet101_v1 44,549,160 44,442,816 1,000 105,344 7,570,194,432 1027
resnet101_v15 44,549,160 44,442,816 1,000 105,344 7,801,405,440 971
plain101_bottleneck_v1 41,772,584 41,673,920 1,000 97,664 7,210,532,864 1027
resnet152_v1 60,192,808 60,040,384 1,000 151,424 11,282,415,616 1507
resnet152_v15 60,192,808 60,040,384 1,000 151,424 11,513,626,624 1451
plain152_bottleneck_v1 57,416,232 57,271,488 1,000 143,744 10,922,754,048 1507
resnext50_32x4d 25,028,904 24,959,680 1,000 68,224 4,230,479,872 427
resnet20_cifar_A 269,722 268,336 10 1,376 40,551,040 81
resnet20_cifar_B 272,474 270,896 10 1,568 40,813,184 81
resnet32_cifar_A 464,154 461,872 10 2,272 68,862,592 137
resnet32_cifar_B 466,906 464,432 10 2,464 69,124,736 137
resnet44_cifar_A 658,586 655,408 10 3,168 97,174,144 193
resnet44_cifar_B 661,338 657,968 10 3,360 97,436,288 193
resnet56_cifar_A 853,018 848,944 10 4,064 125,485,696 249
resnet56_cifar_B 855,770 851,504 10 4,256 125,747,840 249
resnet110_cifar_A 1,727,962 1,719,856 10 8,096 252,887,680 501
resnet110_cifar_B 1,730,714 1,722,416 10 8,288 253,149,824 501
resnet1202_cifar_A 19,421,274 19,331,632 10 89,632 2,829,238,912 5597
resnet1202_cifar_B 19,424,026 19,334,192 10 89,824 2,829,501,056 5597
orig_resnet164_cifar10 1,704,154 1,679,024 10 25,120 244,500,992 255
preact_resnet164_cifar10 1,703,258 1,679,024 10 24,224 244,500,992 255
preact_resnet1001_cifar10 10,327,706 10,178,480 10 149,216 1,487,849,984 1557
densenet121 7,978,856 7,894,208 1,000 83,648 2,834,161,664 2071
densenet169 14,149,480 13,990,080 1,000 158,400 3,359,843,328 3351
densenet201 20,013,928 19,783,872 1,000 229,056 4,291,365,888 3863
densenet161 28,681,000 28,460,064 1,000 219,936 7,727,907,072 2967
densenet264 33,337,704 32,938,176 1,000 398,528 5,751,653,376 5399
densenet_L40_k12_c10 1,019,722 1,001,616 10 18,096 264,812,928 174
densenet_L100_k12_c10 6,979,642 6,862,416 10 117,216 1,769,516,448 454
densenet_L100_k24_c10 27,249,082 27,017,808 10 231,264 6,889,347,744 454
densenetbc_L100_k12_c10 769,162 745,164 10 23,988 287,929,692 230
densenetbc_L100_k12_c100 800,032 775,944 100 23,988 287,960,472 230
densenetbc_L250_k24_c10 15,324,406 15,066,420 10 257,976 5,418,785,724 580
densenetbc_L190_k40_c10 25,624,430 25,367,460 10 256,960 9,301,945,740 440
unet_valid_572_c1o2 31,030,658 31,023,808 6,850 0 150,428,424,448 188-204
unet_same_512_c1o2 31,030,658 31,023,808 6,850 0 192,384,335,872 188-204
unet_same_256_c1o2 31,030,658 31,023,808 6,850 0 48,096,083,968 188-204
unet_same_512_c3o2_bn 31,037,698 31,024,960 962 11,776 192,686,325,760 188-204
squeezenet1_0_caffe 1,248,424 1,244,448 3,976 0 861,339,936 155
squeezenet1_0_paper_nopad 1,248,424 1,244,448 3,976 0 832,667,936 155
squeezenet1_0_tv 1,248,424 1,244,448 3,976 0 818,924,576 155
squeezenet1_1_caffe 1,235,496 1,231,552 3,944 0 387,747,520 207
squeezenet1_1_tv 1,235,496 1,231,552 3,944 0 349,151,936 207
alphago_policy_k128 1,777,641 1,775,744 1,897 0 641,043,584 27
alphago_policy_k192 3,882,793 3,880,128 2,665 0 1,400,726,208 27
alphago_policy_k256 6,798,953 6,795,520 3,433 0 2,453,182,720 27
alphago_policy_k384 15,064,297 15,059,328 4,969 0 5,436,417,408 27
mobilenet_1_224 4,231,976 4,209,088 1,000 21,888 568,740,352 315
mobilenet_1_192 4,231,976 4,209,088 1,000 21,888 418,121,728 315
mobilenet_1_160 4,231,976 4,209,088 1,000 21,888 290,675,200 315
mobilenet_1_128 4,231,976 4,209,088 1,000 21,888 186,400,768 315
mobilenet_0.75_224 2,585,560 2,568,144 1,000 16,416 325,400,448 315
mobilenet_0.75_192 2,585,560 2,568,144 1,000 16,416 239,273,472 315
mobilenet_0.75_160 2,585,560 2,568,144 1,000 16,416 166,396,800 315
mobilenet_0.75_128 2,585,560 2,568,144 1,000 16,416 106,770,432 315
mobilenet_0.5_224 1,331,592 1,319,648 1,000 10,944 149,497,088 315
mobilenet_0.5_192 1,331,592 1,319,648 1,000 10,944 109,970,432 315
mobilenet_0.5_160 1,331,592 1,319,648 1,000 10,944 76,524,800 315
mobilenet_0.5_128 1,331,592 1,319,648 1,000 10,944 49,160,192 315
mobilenet_0.25_224 470,072 463,600 1,000 5,472 41,030,272 315
mobilenet_0.25_192 470,072 463,600 1,000 5,472 30,212,608 315
mobilenet_0.25_160 470,072 463,600 1,000 5,472 21,059,200 315
mobilenet_0.25_128 470,072 463,600 1,000 5,472 13,570,048 315
mobilenet_conv_full_224 29,294,088 29,281,120 1,000 11,968 4,867,293,184 315
mobilenet_shallow_224 2,887,976 2,875,328 1,000 11,648 307,323,392 155
mobilenet_1_224_s2typo 4,231,976 4,209,088 1,000 21,888 533,833,216 315
"""
